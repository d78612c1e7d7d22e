# Sourced by deploy/quickstart, deploy/test and .ci/run: one build folder and one set of flags, so that none of them
# builds anything a second time. Expects $root, the package's folder.

build_flags=(-c release --build-tests --explicit-target-dependency-import-check error)

# The engine, its made-up models and the Pythons of the tests; outside of what `swift package clean` removes.
engine_dir=${LLMSTACK_TEST_CACHE:-$root/.build/engine}

# step TEXT...: says what is being done, with the seconds since the start.
step() { printf '\n==> [%4ds] %s\n' "$SECONDS" "$*"; }

# stop_with WHAT FIX: one line of what is wrong, one of what to do.
stop_with() {
    printf '%s: %s\n  fix: %s\n' "${0##*/}" "$1" "$2" >&2
    exit 1
}

require_swift() {
    command -v swift >/dev/null || stop_with "there is no Swift on this machine; 6.2 or newer is needed" \
        "install it from https://www.swift.org/install, then run this again"
    local version
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
    [[ -n $version ]] || stop_with "swift --version says nothing that can be read" "run it and see what is wrong with it"
    # 6.2 -> 602, 6.10 -> 610
    local number=$((${version%%.*} * 100 + 10#${version##*.}))
    ((number >= 602)) || stop_with "Swift $version is too old; 6.2 or newer is needed" \
        "install a newer one from https://www.swift.org/install, then run this again"
}

build_all() {
    (cd "$root" && swift build "${build_flags[@]}")
}
