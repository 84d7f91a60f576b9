// The two shell programs that are the guest's userland until the command starts. The static busybox in the initrd runs both, so
// they need no program of the host. Applets are called through "$b" because not every build of busybox finds its applets by name.

import { rootShare, type Engine } from './engine.ts'

/** /init of the initrd: loads the modules for the host's files, mounts them under a tmpfs overlay and switches to this root. */
export const initScript = (engine: Engine): string => `#!/bin/busybox sh
b=/bin/busybox
fail() {
  echo "lab: $*" >/dev/console
  $b poweroff -f
}
$b mount -t devtmpfs dev /dev || fail 'no devtmpfs'
exec </dev/console >/dev/console 2>&1
for module in $($b cat /modules/order); do
  $b insmod /modules/$module || fail "cannot load $module"
done
${engine.mount(rootShare)} || fail "cannot mount the host's files"
$b mount -t tmpfs -o mode=0755,size=80% layer /layer || fail 'no tmpfs'
$b mkdir /layer/upper /layer/work
$b mount -t overlay -o lowerdir=/lower,upperdir=/layer/upper,workdir=/layer/work overlay /root || fail 'no overlay'
$b mkdir -p /root/dev /root/proc /root/sys /root/run
$b mount --move /dev /root/dev
$b mount -t proc -o nosuid,nodev,noexec proc /root/proc || fail 'no proc'
$b mount -t sysfs -o nosuid,nodev,noexec sys /root/sys || fail 'no sysfs'
$b mount -t tmpfs -o mode=0755,nosuid run /root/run || fail 'no /run'
$b mkdir /root/run/lab
$b cp /bin/busybox /lab/stage2 /root/run/lab/
exec $b switch_root /root /run/lab/busybox sh /run/lab/stage2
`

/**
 * PID 1 after /init. Communicates with the host over ports, the engine's devices:
 *
 *   stdin, stdout, stderr   the command's streams, one port each, so that they stay separate and unchanged
 *   control                 guest: "script"; host: "LENGTH", then a script of LENGTH bytes that defines lab_mounts and
 *                           lab_command; guest: "ready RELEASE" when the other ports are open; guest: "exit STATUS"
 *
 * The host sends no input before "ready": a serial line that is not open yet loses it.
 *
 * A write to a port returns when the data is queued, not when it has arrived: hence a marker for the host after the complete
 * output on each port. The command gets pipes, because programs such as node treat a character device
 * differently. dd copies in larger blocks than cat.
 */
export const stage2Script = (engine: Engine): string => `b=/run/lab/busybox
say() {
  echo "lab: $*" >/dev/console
}
$b mkdir -p /dev/pts /dev/shm
$b mount -t devpts -o mode=0620,ptmxmode=0666,gid=5 devpts /dev/pts || say 'no devpts'
$b mount -t tmpfs -o mode=1777,nosuid,nodev shm /dev/shm || say 'no /dev/shm'
$b ln -sf /proc/self/fd /dev/fd
$b ln -sf /proc/self/fd/0 /dev/stdin
$b ln -sf /proc/self/fd/1 /dev/stdout
$b ln -sf /proc/self/fd/2 /dev/stderr
$b mkdir -p /run/lock /run/netns
$b hostname lab
$b ip link set lo up

release=$($b uname -r)
$b mkdir -p /lib/modules/$release
# The kernel loads schedulers and nf_tables expressions by calling this program.
if [ ! -x "$($b cat /proc/sys/kernel/modprobe)" ]; then
  $b mkdir -p /run/lab/bin
  $b ln -s ../busybox /run/lab/bin/modprobe
  echo /run/lab/bin/modprobe >/proc/sys/kernel/modprobe
fi

${engine.ports}
until control=$(port control) && [ -c "$control" ]; do
  $b usleep 10000
done
exec 9<>$control
echo script >&9
IFS= read -r length <&9
$b head -c "$length" <&9 >/run/lab/command
. /run/lab/command
lab_mounts || say 'cannot mount a shared directory'

finish() {
  $b sync
  echo "exit $*" >&9
  while :; do $b sleep 1000; done
}

if [ -n "$lab_terminal" ]; then
  exec 8<>$(port terminal)
  # The size cannot follow the host's window: virtconsole reports it at most once.
  $b stty $lab_terminal <&8
  echo "ready $release" >&9
  (exec $b setsid -c $b sh -c '. /run/lab/command; lab_command' <&8 >&8 2>&8 8>&- 9>&-)
  finish $?
fi

# A port can be opened only once, so it is opened here and inherited.
exec 6<>$(port stdin) 7<>$(port stdout) 8<>$(port stderr)
echo "ready $release" >&9
cd /run/lab
$b mkfifo in out err
read_input() {
  ${engine.readInput}
}
read_input >in 6<&6 7>&- 8>&- 9>&- &
$b dd bs=65536 <out >&7 2>out.log 6>&- 7>&- 8>&- 9>&- &
out_relay=$!
$b dd bs=65536 <err >&8 2>err.log 6>&- 7>&- 8>&- 9>&- &
err_relay=$!
# Not in the background: a shell makes background commands ignore SIGINT, which cannot be undone.
(
  exec <in >out 2>err 6>&- 7>&- 8>&- 9>&-
  lab_command
)
status=$?

# Processes left by the command would keep its pipes open. Kernel threads ignore the signal.
kill_leftovers() {
  for entry in /proc/[0-9]*; do
    pid=\${entry#/proc/}
    case " 1 $out_relay $err_relay " in *" $pid "*) continue ;; esac
    kill -9 $pid 2>/dev/null
  done
}
kill_leftovers
$b usleep 20000
kill_leftovers
wait $out_relay && wait $err_relay || {
  say "a relay broke: $($b cat out.log err.log)"
  finish broken
}
echo -n "$lab_marker" >&7
echo -n "$lab_marker" >&8
finish $status
`
