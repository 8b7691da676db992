"""Build the compiled kernels; everything else is declared in pyproject.toml.

Every ``src_ext/_NAME.pyx`` becomes ``hashmatch._ext._NAME``. A sibling folder
``src_ext/NAME/`` holds that module's C++ sources. Nothing is tuned to the build machine: the
baseline is the ABI floor, faster instruction sets are per-function targets chosen at run time.

``HASHMATCH_SANITIZE=1`` builds with AddressSanitizer and UndefinedBehaviorSanitizer.
"""

import os
import platform
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

SOURCES = Path("src_ext")

if platform.system() == "Windows":
    compile_args = ["/O2", "/std:c++17", "/fp:precise"]
    link_args: list[str] = []
else:
    # -ffp-contract=off: a fused multiply-add would make one machine's hash differ from another's
    compile_args = ["-O3", "-std=c++17", "-ffp-contract=off", "-fvisibility=hidden", "-g0", "-Wall"]
    link_args = []

if os.environ.get("HASHMATCH_SANITIZE"):
    sanitizers = ["-fsanitize=address,undefined", "-fno-omit-frame-pointer", "-g"]
    compile_args += [*sanitizers, "-O1"]
    link_args += sanitizers

extensions = [
    Extension(
        f"hashmatch._ext.{pyx.stem}",
        [pyx.as_posix(), *sorted(p.as_posix() for p in (SOURCES / pyx.stem[1:]).glob("*.cpp"))],
        depends=sorted(p.as_posix() for p in SOURCES.rglob("*.h")),
        include_dirs=[SOURCES.as_posix()],
        language="c++",
        extra_compile_args=compile_args,
        extra_link_args=link_args,
    )
    for pyx in sorted(SOURCES.glob("_*.pyx"))
]

setup(
    ext_modules=cythonize(
        extensions,
        build_dir="build/cython",
        compiler_directives={
            "language_level": 3,
            "binding": True,
            "embedsignature": True,
            "freethreading_compatible": True,
        },
    )
)
