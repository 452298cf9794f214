# shellcheck shell=bash
# Sourced by the other scripts: running a slow step so that one can see it is alive.

say() { printf '%s\n' "$*"; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# step TEXT COMMAND...: run the command quietly, show how long it takes, and its output only if it fails.
step() {
  local text=$1 log pid begun=$SECONDS shown=0
  shift
  log=$(mktemp)
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    if [ -t 1 ]; then
      printf '\r  %s … %ss ' "$text" "$((SECONDS - begun))"
    elif ((SECONDS - begun >= shown)); then
      printf '  %s … %ss\n' "$text" "$((SECONDS - begun))"
      shown=$((shown + 10))
    fi
    sleep 0.2
  done
  local code=0
  wait "$pid" || code=$?
  [ -t 1 ] && printf '\r\033[K'
  if [ "$code" -ne 0 ]; then
    say "  $text: failed after $((SECONDS - begun)) s"
    tail -n 60 "$log" >&2
  else
    say "  $text: done ($((SECONDS - begun)) s)"
  fi
  rm -f "$log"
  return "$code"
}
