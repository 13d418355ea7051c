# Makes a small root out of the machine's programs and nothing else of it, and becomes its systemd.
#
# Runs as the first process of new namespaces: every mount is seen from here only, and goes with the last process.
# $1 is an empty directory, $2 the socket that hears of the boot, $3 a file for the console, $4 the first unit;
# then in threes "ro", "rw" or "copy", a directory of the machine, and the place where it is to be seen; what is written
# to a copy is in memory, and gone at the end.
set -eu
root=$1 notify=$2 console=$3 unit=$4
shift 4

mount -t tmpfs -o mode=0755 tmpfs "$root"
cd "$root"
mkdir -p dev etc home mnt opt proc root run srv sys tmp usr var/lib var/log
chmod 1777 tmp

mount --bind /usr usr
mount -o remount,bind,ro usr
mount -t tmpfs -o mode=0755 tmpfs usr/local
mkdir usr/local/bin
for name in bin sbin lib lib32 lib64 libx32; do
  if [ -L "/$name" ]; then
    cp -P "/$name" "$name"
  elif [ -d "/$name" ]; then
    mkdir "$name" && mount --bind "/$name" "$name" && mount -o remount,bind,ro "$name"
  fi
done

while [ $# -gt 0 ]; do
  mkdir -p "./$3"
  if [ "$1" = copy ]; then
    layer=layers/$#
    mkdir -p "$layer/upper" "$layer/work"
    mount -t overlay -o "lowerdir=$2,upperdir=$layer/upper,workdir=$layer/work" overlay "./$3"
  else
    mount --bind "$2" "./$3"
    mount -o "remount,bind,$1" "./$3"
  fi
  shift 3
done

cat >etc/passwd <<'PASSWD'
root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
PASSWD
cat >etc/group <<'GROUP'
root:x:0:
tty:x:5:
nogroup:x:65534:
GROUP
printf 'passwd: files systemd\ngroup: files systemd\nhosts: files\n' >etc/nsswitch.conf
printf '127.0.0.1 localhost\n' >etc/hosts
printf '%s\n' "$(tr -d - </proc/sys/kernel/random/uuid)" >etc/machine-id # without one systemd sets up everything
mkdir -p etc/systemd/system etc/ld.so.conf.d
cp /etc/ld.so.conf.d/* etc/ld.so.conf.d/ 2>/dev/null || true
printf '/opt/python/lib\ninclude /etc/ld.so.conf.d/*.conf\n' >etc/ld.so.conf
[ -e /etc/alternatives ] && cp -a /etc/alternatives etc/

mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys # the kernel's settings are the machine's
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=0755 tmpfs dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
for name in null zero full random urandom tty; do
  : >"dev/$name"
  mount --bind "/dev/$name" "dev/$name"
done
: >dev/console
mount --bind "$console" dev/console
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for number in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${number%%:*}" "dev/${number##*:}"; done
mount -t tmpfs -o mode=0755 tmpfs run
mkdir run/host
: >run/host/notify
mount --bind "$notify" run/host/notify

mkdir before
pivot_root . before
umount -l /before
rmdir /before
cd /
mount --make-rshared / # as systemd would outside of a container: credentials come by a mount that propagates
ldconfig
exec env -i container=other NOTIFY_SOCKET=/run/host/notify PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --system "--unit=$unit" --show-status=no </dev/null >/dev/console 2>&1
