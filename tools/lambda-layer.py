"""Makes the zip of a Lambda layer of a wheel: what Lambda puts on the path of Python 3.9 and later.

usage: lambda-layer.py WHEEL ZIP

    aws lambda publish-layer-version --layer-name kinpack --zip-file fileb://kinpack-layer-x86_64.zip \
        --compatible-architectures x86_64 --compatible-runtimes python3.12
"""

import sys
import zipfile

# The same bytes whenever it is made.
TIME = (1980, 1, 1, 0, 0, 0)


def main(wheel, layer):
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(layer, "w") as out:
        for name in sorted(source.namelist()):
            info = zipfile.ZipInfo(f"python/{name}", TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            # Lambda reads as another user.
            info.external_attr = 0o100755 << 16 if name.endswith(".so") else 0o100644 << 16
            out.writestr(info, source.read(name), compresslevel=9)
    print(f"{layer}: {len(open(layer, 'rb').read())} bytes")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
