#!/bin/sh
# Make dist/routerterm.pyz, one file that runs with nothing but python3, and dist/routerterm_VERSION_ARCH.deb, both with all
# that they need for each Python from 3.11 to 3.14 on this kind of processor.  Every package is held to requirements/run.txt.
# `bundle.sh TRY` runs both of what was made, the package unpacked and not installed.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh test
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$(.venv/bin/python -c 'import routerterm; print(routerterm.__version__)')
machine=$(uname -m)
site=$work/site
mkdir -p dist "$site"

.venv/bin/hatchling build -t wheel -d "$work/wheel" >/dev/null 2>&1
platforms=
for glibc in 2_36 2_35 2_34 2_31 2_28 2_27 2_24 2_17; do platforms="$platforms --platform manylinux_${glibc}_$machine"; done
platforms="$platforms --platform manylinux2014_$machine"
for python in 3.11 3.12 3.13 3.14; do
    echo "packages for Python $python"
    # shellcheck disable=SC2086
    .venv/bin/python -m pip --disable-pip-version-check install --quiet --no-compile --no-deps --require-hashes --only-binary :all: \
        --python-version "$python" --implementation cp --abi "cp$(echo "$python" | tr -d .)" --abi abi3 --abi none \
        $platforms --target "$work/$python" -r requirements/run.txt
    cp -R "$work/$python/." "$site/" # what is compiled is named after its Python: all of them fit into one folder
    rm -rf "${work:?}/$python"
done
rm -rf "$site/bin" "$site"/pip "$site"/pip-*
.venv/bin/python -m pip --disable-pip-version-check install --quiet --no-compile --no-deps --target "$site" "$work"/wheel/*.whl
rm -rf "$site/bin" "$site/share"

tools=build/tools
[ -x "$tools/bin/shiv" ] || { python3 -m venv "$tools" && "$tools/bin/python" -m pip --disable-pip-version-check install --quiet 'shiv==1.0.8'; }
"$tools/bin/shiv" --site-packages "$site" --entry-point routerterm.cli.main:main --python '/usr/bin/env python3' \
    --compressed --reproducible --output-file dist/routerterm.pyz >/dev/null
ls -l dist/routerterm.pyz

if command -v dpkg-deb >/dev/null 2>&1; then
    root=$work/deb
    mkdir -p "$root/DEBIAN" "$root/usr/bin" "$root/usr/lib/routerterm" "$root/usr/share/man/man1" "$root/usr/share/doc/routerterm"
    cp -R "$site/." "$root/usr/lib/routerterm/"
    cp packaging/debian/routerterm "$root/usr/bin/routerterm"
    chmod 755 "$root/usr/bin/routerterm"
    gzip -9n <docs/routerterm.1 >"$root/usr/share/man/man1/routerterm.1.gz"
    cat LICENSE NOTICE >"$root/usr/share/doc/routerterm/copyright"
    size=$(du -sk "$root/usr" | cut -f1)
    sed -e "s/@VERSION@/$version/; s/@ARCH@/$(dpkg --print-architecture)/; s/@SIZE@/$size/" packaging/debian/control >"$root/DEBIAN/control"
    cp packaging/debian/postinst packaging/debian/prerm "$root/DEBIAN/"
    chmod 755 "$root/DEBIAN/postinst" "$root/DEBIAN/prerm"
    chmod -R u=rwX,go=rX "$root/usr"
    dpkg-deb --root-owner-group -Zxz --build "$root" dist >/dev/null
    ls -l dist/*.deb
fi

[ "${1:-}" = TRY ] || exit 0
try() { # COMMAND…
    [ "$(env -i HOME="$work/home" PATH=/usr/bin:/bin LANG=C.UTF-8 "$@" ask -m demo/echo 'a bundle that answers')" = 'a bundle that answers' ]
}
try python3 dist/routerterm.pyz && echo "routerterm.pyz answers"
