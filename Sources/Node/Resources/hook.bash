# The prompt hook of llmstack for bash, written by: llmstack activate bash
#
# Within a project (a directory with .llmstack/opencode.json of yours, or one below it) it exports what opencode and llmstack
# need and puts the project in front of the prompt; outside it puts back what was there. It starts no process. Names of
# directories are data: they are never part of what the shell expands.

_llmstack_find() {
  local directory=$PWD
  _llmstack_project=
  while :; do
    # Somebody else's file, planted in a directory above, must not choose this shell's opencode configuration.
    if [ -O "$directory/.llmstack/opencode.json" ]; then
      _llmstack_project=${directory:-/}
      return 0
    fi
    [ -n "$directory" ] || return 0
    directory=${directory%/*}
  done
}

# Channel and URL of the project: what runs, else what is pinned.
_llmstack_read_marker() {
  local file
  _llmstack_channel= _llmstack_url=
  for file in active-channel default-channel; do
    if [ -r "$_llmstack_project/.llmstack/$file" ]; then
      IFS=$' \t' read -r _llmstack_channel _llmstack_url < "$_llmstack_project/.llmstack/$file" || :
      _llmstack_channel=${_llmstack_channel%$'\r'} _llmstack_url=${_llmstack_url%%[$'\r \t']*}
      [ -z "$_llmstack_channel" ] || return 0
    fi
  done
  _llmstack_channel=current
}

_llmstack_has() { command -v "$1" > /dev/null 2>&1; }

# Whether the project can be used here; says what is missing, once for each project.
_llmstack_usable() {
  local binaries=${LLMSTACK_BIN_DIR:-${LLMSTACK_DATA_DIR:+$LLMSTACK_DATA_DIR/bin}}
  binaries=${binaries:-${XDG_DATA_HOME:-${HOME-}/.local/share}/llmstack/bin}
  if ! _llmstack_has llmstack; then
    printf '[llmstack] llmstack is not on PATH, so this project is not activated\n' >&2
    return 1
  fi
  [ "$_llmstack_channel" != external ] || return 0
  if ! _llmstack_has llama-swap && [ ! -x "$binaries/llama-swap" ]; then
    printf '[llmstack] llama-swap is missing, so this project is not activated; next: llmstack install-llama-swap\n' >&2
    return 1
  fi
  if ! _llmstack_has llama-server && ! _llmstack_has llama-cli && [ ! -x "${LLAMA_SERVER_BIN-}" ]; then
    printf '[llmstack] llama-server is not on PATH; install llama.cpp before llmstack start\n' >&2
  fi
  return 0
}

_llmstack_prompt() {
  local colour=38 name=${_llmstack_project##*/}
  case $_llmstack_channel in
    next) colour=208 ;;
    external) colour=135 ;;
  esac
  # Control characters in a name would reach the terminal.
  _LLMSTACK_LABEL="[llmstack:${name//[[:cntrl:]]/?}${_llmstack_url:+ ${_llmstack_url//[[:cntrl:]]/?}}]"
  local label='${_LLMSTACK_LABEL}'
  shopt -q promptvars || label=${_LLMSTACK_LABEL//\\/\\\\}
  PS1=${PS1-}
  PS1=${PS1#"${_LLMSTACK_PREFIX-}"}
  _LLMSTACK_PREFIX='\[\e[38;5;'$colour'm\]'$label'\[\e[0m\] '
  [ -z "${NO_COLOR-}" ] || _LLMSTACK_PREFIX="$label "
  PS1=$_LLMSTACK_PREFIX$PS1
}

# Where opencode asks a router of a cluster with keys itself, Node.js is told of the cluster's authority; and what was there
# is put back.
_llmstack_restore_authorities() {
  # Another llmstack shell's is not the user's own.
  if [ -z "${_LLMSTACK_ON-}" ] && [ -n "${LLMSTACK_WORK_DIR-}" ] &&
    [ "${NODE_EXTRA_CA_CERTS-}" = "$LLMSTACK_WORK_DIR/.llmstack/authorities.pem" ]; then
    unset NODE_EXTRA_CA_CERTS
  fi
  if [ -n "${_LLMSTACK_CA_ON-}" ]; then
    if [ -n "$_LLMSTACK_HAD_CA" ]; then export NODE_EXTRA_CA_CERTS="$_LLMSTACK_CA"; else unset NODE_EXTRA_CA_CERTS; fi
  fi
  unset _LLMSTACK_CA_ON _LLMSTACK_HAD_CA _LLMSTACK_CA
}

_llmstack_export_authorities() {
  local file=$_llmstack_project/.llmstack/authorities.pem
  _llmstack_restore_authorities
  case $_llmstack_channel/$_llmstack_url in external/https://*) ;; *) return 0 ;; esac
  [ -O "$file" ] || return 0
  _LLMSTACK_HAD_CA=${NODE_EXTRA_CA_CERTS+set} _LLMSTACK_CA=${NODE_EXTRA_CA_CERTS-} _LLMSTACK_CA_ON=1
  export NODE_EXTRA_CA_CERTS="$file"
}

_llmstack_enter() {
  _llmstack_export_authorities
  if [ -z "${_LLMSTACK_ON-}" ]; then
    # What another llmstack shell left in the environment is not the user's own.
    if [ -n "${LLMSTACK_WORK_DIR-}" ]; then unset OPENCODE_CONFIG LLMSTACK_REMOTE_URL; fi
    _LLMSTACK_HAD_CONFIG=${OPENCODE_CONFIG+set} _LLMSTACK_CONFIG=${OPENCODE_CONFIG-}
    _LLMSTACK_HAD_URL=${LLMSTACK_REMOTE_URL+set} _LLMSTACK_URL=${LLMSTACK_REMOTE_URL-}
  fi
  _LLMSTACK_ON=1
  export OPENCODE_CONFIG="$_llmstack_project/.llmstack/opencode.json" LLMSTACK_WORK_DIR="$_llmstack_project"
  export LLMSTACK_CHANNEL="$_llmstack_channel" LLMSTACK_ACTIVE=1
  if [ -n "$_llmstack_url" ]; then export LLMSTACK_REMOTE_URL="$_llmstack_url"; else unset LLMSTACK_REMOTE_URL; fi
  _llmstack_prompt
}

_llmstack_leave() {
  _llmstack_restore_authorities
  unset OPENCODE_CONFIG LLMSTACK_REMOTE_URL LLMSTACK_WORK_DIR LLMSTACK_CHANNEL LLMSTACK_ACTIVE
  if [ -n "${_LLMSTACK_ON-}" ]; then
    if [ -n "$_LLMSTACK_HAD_CONFIG" ]; then export OPENCODE_CONFIG="$_LLMSTACK_CONFIG"; fi
    if [ -n "$_LLMSTACK_HAD_URL" ]; then export LLMSTACK_REMOTE_URL="$_LLMSTACK_URL"; fi
  fi
  PS1=${PS1-}
  PS1=${PS1#"${_LLMSTACK_PREFIX-}"}
  unset _LLMSTACK_ON _LLMSTACK_PREFIX _LLMSTACK_LABEL
}

_llmstack_hook() {
  local status=$?
  local _llmstack_project _llmstack_channel _llmstack_url state=
  _llmstack_find
  if [ -n "$_llmstack_project" ]; then
    _llmstack_read_marker
    state=$_llmstack_project/$'\n'$_llmstack_channel$'\n'$_llmstack_url
  fi
  if [ "$state" != "${_LLMSTACK_STATE-none}" ]; then
    if [ -n "$state" ] && _llmstack_usable; then
      _llmstack_enter
    elif [ -n "${_LLMSTACK_ON-}" ] || { [ -z "${_LLMSTACK_STATE+set}" ] && [ -n "${LLMSTACK_WORK_DIR-}" ]; }; then
      _llmstack_leave
    fi
    _LLMSTACK_STATE=$state
  elif [ -n "${_LLMSTACK_ON-}" ]; then
    # A prompt that is made anew each time has lost the prefix.
    case ${PS1-} in
      "$_LLMSTACK_PREFIX"*) ;;
      *) PS1=$_LLMSTACK_PREFIX${PS1-} ;;
    esac
  fi
  # The shell itself keeps $?; this is for what comes later in PROMPT_COMMAND. Under set -e it would end the shell.
  case $- in *e*) return 0 ;; esac
  return "$status"
}

case "${PROMPT_COMMAND[*]-}" in
  *_llmstack_hook*) ;;
  *)
    case "$(declare -p PROMPT_COMMAND 2> /dev/null)" in
      'declare -a'*) PROMPT_COMMAND+=(_llmstack_hook) ;;
      *) PROMPT_COMMAND=${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}_llmstack_hook ;;
    esac
    ;;
esac
_llmstack_hook
