# Sourced by deploy/quickstart, deploy/test and .ci/run: what else has to be on the machine. Expects deploy/lib/build.sh.

# missing_packages PROGRAM...: the packages that bring what is missing, one a line, by the names of this system.
missing_packages() {
    local program
    for program in "$@"; do
        case $program in
            python-venv)
                # Debian keeps the venv module in a package of its own.
                python3 -c 'import venv, ensurepip' 2>/dev/null && continue
                if [[ $(uname) == Darwin ]]; then echo python3; else printf '%s\n' python3 python3-venv; fi
                ;;
            libcurl)
                # macOS has it in its SDK. A compiler's search path and pkg-config may each know what the other does not.
                [[ $(uname) == Darwin ]] && continue
                pkg-config --exists libcurl 2>/dev/null && continue
                compgen -G '/usr/include/curl/curl.h' >/dev/null && continue
                compgen -G '/usr/include/*/curl/curl.h' >/dev/null && continue
                echo libcurl4-openssl-dev
                ;;
            sqlite)
                # macOS has it in its SDK.
                [[ $(uname) == Darwin ]] && continue
                compgen -G '/usr/include/sqlite3.h' >/dev/null || echo libsqlite3-dev
                ;;
            avahi)
                # macOS has Bonjour. What the build needs; the daemon is what a node needs, and asked for by doctor.
                [[ $(uname) == Darwin ]] && continue
                compgen -G '/usr/include/avahi-client/client.h' >/dev/null || echo libavahi-client-dev
                compgen -G '/usr/include/dns_sd.h' >/dev/null || compgen -G '/usr/include/avahi-compat-libdns_sd/dns_sd.h' >/dev/null ||
                    echo libavahi-compat-libdnssd-dev
                ;;
            lab)
                [[ $(uname) == Linux ]] || continue
                command -v ip >/dev/null || echo iproute2
                command -v nft >/dev/null || [[ -x /usr/sbin/nft ]] || echo nftables
                command -v dbus-daemon >/dev/null || echo dbus
                command -v avahi-daemon >/dev/null || [[ -x /usr/sbin/avahi-daemon ]] || echo avahi-daemon
                command -v avahi-browse >/dev/null || echo avahi-utils
                command -v nsenter >/dev/null || echo util-linux
                ;;
            nginx)
                # On Debian it lies where a user's PATH may not lead.
                command -v nginx >/dev/null || [[ -x /usr/sbin/nginx ]] && continue
                if [[ $(uname) == Darwin ]]; then echo nginx; else echo nginx-light; fi
                ;;
            node) command -v node >/dev/null || if [[ $(uname) == Darwin ]]; then echo node; else echo nodejs; fi ;;
            ps) command -v ps >/dev/null || echo procps ;;
            unshare) command -v unshare >/dev/null || [[ $(uname) == Darwin ]] || echo util-linux ;;
            *) command -v "$program" >/dev/null || echo "$program" ;;
        esac
    done | sort -u
}

# install_packages ASK PACKAGE...: installs them. ASK is "yes" (asks nothing) or "ask" (asks once on a terminal; without
# one it says what to run, and stops).
install_packages() {
    local ask=$1
    shift
    (($#)) || return 0
    # Arrays are never expanded while empty: macOS ships bash 3.2, for which that is an unset variable.
    local command=() update=()
    if [[ $(uname) == Darwin ]]; then
        command -v brew >/dev/null || stop_with "missing: $*" "install Homebrew (https://brew.sh), then run this again"
        command=(brew install "$@")
    elif command -v apt-get >/dev/null; then
        local as_root=env
        if ((EUID != 0)); then
            command -v sudo >/dev/null || stop_with "missing: $*" "as root: apt-get install -y $*"
            as_root=sudo
        fi
        update=("$as_root" apt-get update -q)
        command=("$as_root" DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@")
    else
        stop_with "missing: $*" "install them with this system's package manager, then run this again"
    fi
    echo "missing: $*"
    if [[ $ask != yes ]]; then
        [[ -t 0 ]] || stop_with "nobody is there to ask" "run this with --yes, or install: $*"
        local answer
        read -r -p "install with \"${command[*]}\"? [y/N] " answer
        [[ $answer == [yY]* ]] || stop_with "not installed: $*" "install them, then run this again"
    fi
    if ((${#update[@]})); then "${update[@]}"; fi
    "${command[@]}"
}
