# shellcheck shell=bash
# Sourced by the other scripts: running a slow step so that one can see it is alive.

say() { printf '%s\n' "$*"; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# What runs now in a process group of its own; empty: nothing.
attended_pid=

# attend COMMAND...: start it in a process group of its own, which ends with us.
attend() {
  set -m
  "$@" &
  attended_pid=$!
  set +m
}

# The one first, so that it can end its own in order, then whatever is left of its group.
end_attended() {
  [ -n "$attended_pid" ] || return 0
  kill -TERM "$attended_pid" 2>/dev/null || true
  wait "$attended_pid" 2>/dev/null || true
  kill -KILL -- "-$attended_pid" 2>/dev/null || true
  attended_pid=
}

# Called by the trap.
# shellcheck disable=SC2329
stop_attended() {
  trap '' INT TERM HUP
  end_attended
  printf '\nstopped\n' || true
  exit 130
}

# run_attended COMMAND...: run it to its end; told to stop, we leave nothing of it behind.
run_attended() {
  local code=0
  trap stop_attended INT TERM HUP
  attend "$@"
  wait "$attended_pid" || code=$?
  end_attended
  trap - INT TERM HUP
  return "$code"
}

# step TEXT COMMAND...: run the command quietly, show how long it takes, and its output only if it
# fails. Told to stop, the command is ended first.
step() {
  local text=$1 log code=0
  shift
  log=$(mktemp)
  # shellcheck disable=SC2064
  trap "rm -f '$log'; stop_attended" INT TERM HUP
  attend "$@" >"$log" 2>&1 </dev/null
  show_progress "$text" "$attended_pid" || code=$?
  end_attended
  trap - INT TERM HUP
  tell_outcome "$text" "$log" "$code"
}

# whole_step TEXT COMMAND...: the same for what must not be cut off: told to stop, we wait for its end.
whole_step() {
  local text=$1 log code=0 stopped=no
  shift
  log=$(mktemp)
  trap 'stopped=yes; printf "\n  stopping as soon as this is done\n"' INT TERM HUP
  # A process group of its own does not hear Ctrl-C; but there sudo could not ask for a password.
  if [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; then set -m; fi
  "$@" >"$log" 2>&1 </dev/null &
  set +m
  show_progress "$text" "$!" || code=$?
  trap - INT TERM HUP
  tell_outcome "$text" "$log" "$code" || code=$?
  [ "$stopped" = no ] || exit 130
  return "$code"
}

# show_progress TEXT PID: until the process has ended; returns its exit code.
show_progress() {
  local text=$1 pid=$2 shown=0 code=0
  begun=$SECONDS
  while kill -0 "$pid" 2>/dev/null; do
    if [ -t 1 ]; then
      printf '\r  %s … %ss ' "$text" "$((SECONDS - begun))"
    elif ((SECONDS - begun >= shown)); then
      printf '  %s … %ss\n' "$text" "$((SECONDS - begun))"
      shown=$((shown + 10))
    fi
    sleep 0.2 || true
  done
  wait "$pid" || code=$?
  [ ! -t 1 ] || printf '\r\033[K'
  return "$code"
}

# tell_outcome TEXT LOG CODE: returns the code.
tell_outcome() {
  local text=$1 log=$2 code=$3
  if [ "$code" -ne 0 ]; then
    say "  $text: failed after $((SECONDS - begun)) s"
    tail -n 60 "$log" >&2
  else
    say "  $text: done ($((SECONDS - begun)) s)"
  fi
  rm -f "$log"
  return "$code"
}
