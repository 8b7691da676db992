"""hashmatch: is this image one of the known ones?"""
