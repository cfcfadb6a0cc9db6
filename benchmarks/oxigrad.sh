#!/usr/bin/env bash
# Builds oxigrad 0.3.2 from its source on PyPI where crates.io cannot be reached, with the Rust crates of Debian 13.
#
#     bash benchmarks/oxigrad.sh [python]        needs cargo, apt-get and dpkg-deb
#
# Its pyo3 is the very version that oxigrad locks (0.22.6); the crates below that differ in their last digits.
set -euo pipefail

python=${1:-python}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{lists/partial,cache/archives/partial,debs,tmp,cargo}

echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main" \
    > "$work/sources.list"
cat > "$work/apt.conf" <<END
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State::lists "$work/lists";
Dir::Cache "$work/cache";
APT::Sandbox::User "root";
END
export APT_CONFIG=$work/apt.conf
apt-get update -qq
crates=(pyo3 pyo3-macros pyo3-macros-backend pyo3-build-config pyo3-ffi cfg-if heck indoc libc memoffset autocfg
        once-cell portable-atomic proc-macro2 quote syn target-lexicon unicode-ident unindent)
names=("${crates[@]/#/librust-}")
(cd "$work/debs" && apt-get download -qq "${names[@]/%/-dev}")
for deb in "$work"/debs/*.deb; do dpkg-deb -x "$deb" "$work/root"; done
cat > "$work/cargo/config.toml" <<END
[source.crates-io]
replace-with = "debian"
[source.debian]
directory = "$work/root/usr/share/cargo/registry"
END

# pip unpacks the source, then stops at the lock file, which asks for crates.io: the lock goes, the source is built.
TMPDIR=$work/tmp "$python" -m pip download -q --no-clean --no-deps --no-binary=oxigrad -d "$work/tmp" oxigrad==0.3.2 \
    > "$work/download.log" 2>&1 || true
source=$(dirname "$(find "$work/tmp" -path '*oxigrad*' -name Cargo.toml | head -n 1)")
rm "$source/Cargo.lock"
CARGO_HOME=$work/cargo CARGO_NET_OFFLINE=true "$python" -m pip install --no-deps "$source"
