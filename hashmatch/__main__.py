from hashmatch.cli.main import main

main()
