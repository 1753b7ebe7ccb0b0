#!/bin/sh
# A release: `release.sh 1.2.3` checks everything, writes the version and the changelog's date, builds, looks into what was
# built, commits and tags.  Nothing leaves this machine: pushing the tag starts .github/workflows/release.yml, which publishes.
# `release.sh build 1.2.3` only builds and looks, for a version that is written already; `release.sh notes` prints the
# newest part of the changelog.
set -eu
cd "$(dirname "$0")/.."

fail() {
    echo "$1" >&2
    exit 1
}

look() { # VERSION
    sh scripts/setup.sh test
    rm -rf dist
    .venv/bin/hatchling build -d dist >/dev/null 2>&1
    tools=build/tools
    [ -x "$tools/bin/twine" ] || { python3 -m venv "$tools" && "$tools/bin/python" -m pip --disable-pip-version-check install --quiet twine==7.0.0 shiv==1.0.8; }
    [ -f "dist/routerterm-$1-py3-none-any.whl" ] || fail "The wheel is not of version $1."
    .venv/bin/python scripts/split_wheel.py dist
    "$tools/bin/twine" check --strict dist/*
    for part in routerterm:routerterm/tui/app.py routerterm:routerterm/themes/phosphor.toml routerterm_core:routerterm/router/client.py \
        routerterm_core:routerterm/py.typed routerterm_core:routerterm/catalog/data/providers.json; do
        .venv/bin/python -m zipfile -l "dist/${part%%:*}-$1-py3-none-any.whl" | grep -q "^${part#*:} " || fail "The wheel of ${part%%:*} lacks ${part#*:}."
    done
    tar -tzf "dist/routerterm-$1.tar.gz" >dist/files
    for part in README.md LICENSE NOTICE CHANGELOG.md Makefile docs/routerterm.1 themes/ src/routerterm/py.typed tests/ requirements/run.txt; do
        grep -q "^routerterm-$1/$part" dist/files || fail "The sdist lacks $part."
    done
    ! grep -E '(^|/)(\.venv|\.git|__pycache__|\.env|build)/' dist/files || fail "The sdist holds what does not belong there."
    rm dist/files
    # the recipes of others' package managers, with this version and the sum of this sdist
    sum=$(.venv/bin/python -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "dist/routerterm-$1.tar.gz")
    sed -E "s#/routerterm-[0-9][^/]*\.tar\.gz#/routerterm-$1.tar.gz#; s/^  sha256 .*/  sha256 \"$sum\"/" packaging/homebrew/routerterm.rb >dist/routerterm.rb
    sed -E "s/^pkgver=.*/pkgver=$1/; s/^sha256sums=.*/sha256sums=('$sum')/" packaging/aur/PKGBUILD >dist/PKGBUILD
}

version=${1:-}
case $version in
build)
    look "$2"
    exit 0
    ;;
notes)
    awk '/^## / && parts++ { exit } parts' CHANGELOG.md
    exit 0
    ;;
esac
echo "$version" | grep -qE '^[0-9]+\.[0-9]+\.[0-9]+((a|b|rc)[0-9]+)?$' || fail "Say which: make release VERSION=1.2.3"
[ -z "$(git status --porcelain)" ] || fail "Commit first: a release is made of what is committed."
! git rev-parse -q --verify "refs/tags/v$version" >/dev/null || fail "v$version is there already."
grep -qE "^## ($version|Unreleased|[0-9.]+ \(unreleased\))" CHANGELOG.md || fail "CHANGELOG.md has no part for what comes."
! grep -rq 'routerterm\.example' pyproject.toml packaging mkdocs.yml ||
    fail "The project's addresses in pyproject.toml and packaging/ are still .example: give it its home first."
sh .ci/run
sh scripts/setup.sh test
trap 'git checkout -q -- .' EXIT # where a step fails, nothing stays half released: all was committed before
today=$(date -u +%Y-%m-%d)
sed -i.old -E "s/^__version__ = .*/__version__ = \"$version\"/" src/routerterm/__init__.py
sed -i.old -E "s/^## (Unreleased|[0-9.]+ \(unreleased\))\$/## $version ($today)/" CHANGELOG.md
rm src/routerterm/__init__.py.old CHANGELOG.md.old
.venv/bin/python scripts/make_docs.py
look "$version"
git commit -qam "Release $version"
trap - EXIT
git tag -a "v$version" -m "routerterm $version"
echo "v$version is committed and tagged. To publish it: git push --follow-tags"
