#!/bin/sh
# Build the documentation site into build/site, from README.md, docs/ and the code.  A broken link is an error.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh test
python=build/site-tools/bin/python
made=build/site-tools/.made
if [ "$(cat "$made" 2>/dev/null)" != "$(cksum <requirements/site.txt)" ]; then
    .venv/bin/python -m venv --clear build/site-tools
    "$python" -m pip --disable-pip-version-check install --quiet --no-deps --require-hashes -r requirements/site.txt
    cksum <requirements/site.txt >"$made"
fi
pages=build/site-pages
rm -rf "$pages"
mkdir -p "$pages/screenshots"
cp -R docs/. "$pages/"
rm -f "$pages/routerterm.1"
cp CONTRIBUTING.md SECURITY.md CHANGELOG.md CODE_OF_CONDUCT.md "$pages/"
cp -r screenshots/*.png screenshots/*.gif screenshots/themes "$pages/screenshots/"
cp README.md "$pages/index.md"
# in the repository the pages lie one folder apart, on the site beside each other
find "$pages" -name '*.md' | while read -r page; do
    sed -i.old -e 's#](docs/#](#g' -e 's#](\.\./README\.md#](index.md#g' -e 's#](README\.md#](index.md#g' \
        -e 's#](\.\./\(screenshots/[^)]*\|[A-Z_]*\.md[^)]*\))#](\1)#g' "$page"
    rm "$page.old"
done
NO_MKDOCS_2_WARNING=1 DISABLE_MKDOCS_2_WARNING=true "$python" -m mkdocs build --strict --quiet
echo "build/site/index.html"
