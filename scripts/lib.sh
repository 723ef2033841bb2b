# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Functions that the scripts share: messages, Debian packages, and kernels and headers
# that are unpacked under build/ without being installed.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$top/build

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$*"; exit 122; }

# as_root COMMAND...: run it as root, through sudo when this is not root.
as_root()
{
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "this needs root and there is no sudo: run as root: $*"
	fi
}

# With these, apt-get tries again when a mirror fails, and waits while another process holds
# its lock.
apt_options=(-qq -o Acquire::Retries=5 -o DPkg::Lock::Timeout=300)

fetch_lists() { as_root apt-get "${apt_options[@]}" --error-on=any update >&2; }

# persist COMMAND...: try it until it succeeds, four times at most: a mirror may be away for a
# minute, or have other files than those in its lists.
persist()
{
	local pause

	for pause in 5 15 30; do
		"$@" && return
		say "trying again in $pause s: $*"
		sleep "$pause"
		[ "$1" = fetch_lists ] || fetch_lists || true
	done
	"$@"
}

# apt_update: fetch the package lists if the machine has none.
apt_update()
{
	compgen -G '/var/lib/apt/lists/*Packages*' >/dev/null && return
	say "fetching the package lists"
	persist fetch_lists || say "some package lists are not there"
}

# need_packages PACKAGE...: install those that are missing. On a machine without apt-get the
# tools are assumed to be there; the shell reports a tool that is missing.
need_packages()
{
	local p missing=()

	command -v apt-get >/dev/null || return 0
	for p; do
		dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2>/dev/null |
			grep -q '^ii' || missing+=("$p")
	done
	[ ${#missing[@]} = 0 ] && return
	apt_update
	say "installing ${missing[*]}"
	persist as_root env DEBIAN_FRONTEND=noninteractive apt-get -y \
		"${apt_options[@]}" --no-install-recommends install "${missing[@]}" \
		</dev/null >/dev/null ||
		die "could not install: ${missing[*]}"
}

# unpack_packages DIR PACKAGE...: unpack packages into the new folder DIR. Two
# callers at once do no harm: the folder appears complete, by a rename.
unpack_packages()
{
	local dir=$1 tmp deb
	shift

	apt_update
	mkdir -p "${dir%/*}"
	tmp=$(mktemp -d "$dir.XXXXXX")
	say "fetching $*"
	# apt's own user has to reach the folder.
	chmod 755 "$tmp"
	mkdir "$tmp/deb"
	(cd "$tmp/deb" && persist apt-get "${apt_options[@]}" \
		-o APT::Sandbox::User=root download "$@") >&2 || { rm -rf "$tmp"; return 1; }
	for deb in "$tmp"/deb/*.deb; do
		dpkg -x "$deb" "$tmp" || { rm -rf "$tmp"; return 1; }
	done
	rm -rf "$tmp/deb"
	mv -T "$tmp" "$dir" 2>/dev/null || rm -rf "$tmp"
}

# newest KIND [PREFIX]: print the version of Debian's newest packaged kernel, such as
# 6.1.0-56-amd64, that starts with PREFIX; without PREFIX that of the kernel on which
# the package linux-KIND-amd64 depends. KIND is "image" or "headers".
newest()
{
	local kind=$1 prefix=${2-}

	apt_update
	if [ -n "$prefix" ]; then
		apt-cache pkgnames "linux-$kind-$prefix"
	else
		apt-cache depends "linux-$kind-amd64" | sed -n 's/ *Depends: //p'
	fi | newest_of "linux-$kind-" "$prefix"
}

# newest_of PACKAGE-PREFIX VERSION-PREFIX: print the newest version of a stock kernel
# among the names on stdin. 6.1 stands for 6.1.0-56-amd64, not for 6.12.
newest_of()
{
	sed -n "s/^$1\([0-9].*-amd64\)$/\1/p" |
		grep -Ev -- '-(rt|cloud)-amd64$' |
		awk -v prefix="$2" 'prefix == "" || (index($0, prefix) == 1 &&
			substr($0, length(prefix) + 1) !~ /^[0-9]/)' |
		sort -V | tail -n 1
}

# kernel_dir [PREFIX]: print the folder of an unpacked kernel package with
# boot/vmlinuz-VERSION and lib/modules/VERSION, fetched at first use. Without
# PREFIX it is the kernel whose headers the module is built against.
kernel_dir()
{
	local prefix=${1-} version dir

	[ -n "$prefix" ] || prefix=$(installed_headers "")
	[ -n "$prefix" ] || prefix=$(newest headers)
	version=$(find "$build/lab/kernel" -mindepth 1 -maxdepth 1 \
			-printf '%f\n' 2>/dev/null | newest_of '' "$prefix")
	[ -n "$version" ] || version=$(newest image "$prefix")
	# If the kernel of the headers has left the archive, take any stock kernel.
	[ -n "$version" ] || [ -n "${1-}" ] || version=$(newest image)
	[ -n "$version" ] || die "there is no package linux-image-$prefix*-amd64"

	dir=$build/lab/kernel/$version
	if ! [ -d "$dir" ]; then
		need_packages kmod
		unpack_packages "$dir" "linux-image-$version" ||
			die "could not fetch linux-image-$version"
	fi
	[ -s "$dir/lib/modules/$version/modules.dep" ] ||
		PATH=$PATH:/sbin:/usr/sbin depmod -b "$dir" "$version"
	printf '%s\n' "$dir"
}

# vmlinux DIR: print the path of the kernel of DIR, a folder of kernel_dir, as an ELF file.
# It is taken out of its bzImage at first use (Linux x86 boot protocol: setup_sects,
# payload_offset, payload_length).
vmlinux()
{
	local image=$1/boot/vmlinuz-${1##*/} out=$1/boot/vmlinux-${1##*/}
	local sectors offset length

	if ! [ -s "$out" ]; then
		sectors=$(od -An -tu1 -j $((0x1f1)) -N 1 "$image")
		read -r offset length < <(od -An -tu4 -j $((0x248)) -N 8 "$image")
		# The last four bytes are the uncompressed length.
		tail -c +$(((sectors + 1) * 512 + offset + 1)) "$image" |
			head -c $((length - 4)) | decompress >"$out.$$" ||
			die "cannot unpack $image"
		mv "$out.$$" "$out"
	fi
	echo "$out"
}

# decompress: copy stdin to stdout, decompressed. The first bytes tell the format.
decompress()
{
	local first

	first=$(mktemp)
	cat >"$first"
	case $(od -An -tx1 -N 4 "$first" | tr -d ' ') in
	fd377a58) xz -dc <"$first" ;;
	28b52ffd) need_packages zstd; zstd -qdc <"$first" ;;
	1f8b*) gzip -dc <"$first" ;;
	02214c18) need_packages lz4; lz4 -qdc <"$first" ;;
	*) rm "$first"; return 1 ;;
	esac
	rm "$first"
}

# slow_host HOST: succeed if HOST takes long for an instruction, so that it gets only the files
# that are packed for it, and small guests.
slow_host() { [ "$1" = intel ] || [ "$1" = amd-bochs ]; }

# host_module HOST: print the path of the module for the kernel of HOST of the lab; an empty
# HOST is this machine.
host_module()
{
	if [ "$1" = amd-debug ]; then
		echo "$build/module-debug/oriel.ko"
	else
		echo "$top/oriel.ko"
	fi
}

# small_guest_kernel: print the path of a Linux kernel for guests that starts in few
# instructions, built at first use.
small_guest_kernel()
{
	local dir

	dir=$(built_kernel guest)
	echo "$dir/boot/vmlinux-${dir##*/}"
}

# guest_kernel HOST: print the path of the Linux that guests run on HOST: Debian's if that
# starts in seconds, else the small one.
guest_kernel()
{
	local dir

	if slow_host "$1"; then
		small_guest_kernel
	else
		dir=$(kernel_dir "")
		echo "$dir/boot/vmlinuz-${dir##*/}"
	fi
}

# kernel_source: print the folder of Debian's kernel source, fetched at first use.
kernel_source()
{
	local dir=$build/lab/linux-source-6.1 package=$build/lab/linux-source tmp
	local archive=/usr/src/linux-source-6.1.tar.xz lock

	mkdir -p "$build/lab"
	exec {lock}>"$dir.lock"
	flock "$lock"
	if ! [ -d "$dir" ]; then
		if ! [ -f $archive ]; then
			[ -d "$package" ] || unpack_packages "$package" linux-source-6.1 ||
				die "could not fetch linux-source-6.1"
			archive=$package$archive
		fi
		tmp=$(mktemp -d "$dir.XXXXXX")
		tar -C "$tmp" --strip-components=1 -xf "$archive" ||
			die "could not unpack $archive"
		mv -T "$tmp" "$dir"
		rm -rf "$package"
	fi
	exec {lock}>&-
	echo "$dir"
}

# built_kernel NAME: print the folder, laid out as that of kernel_dir, of a kernel
# that has its configuration in lab.d/NAME.config, on top of allnoconfig. It is
# built at first use and when that file changes, in build/lab/NAME.
built_kernel()
{
	local name=$1 config=$top/scripts/lab.d/$1.config tree=$build/lab/$1
	local stamp lock version

	mkdir -p "$tree"
	# If two processes come at once, one builds and the other waits.
	exec {lock}>"$tree/lock"
	flock $lock
	stamp=$(sha256sum <"$config")
	if [ "$(cat "$tree/stamp" 2>/dev/null)" != "$stamp" ]; then
		need_packages bc bison flex gcc libc6-dev libelf-dev lz4 make perl
		say "building the kernel $name (see $tree/log)"
		build_kernel "$name" >"$tree/log" 2>&1 || {
			tail -n 30 "$tree/log" >&2
			die "the kernel $name does not build"
		}
		echo "$stamp" >"$tree/stamp"
	fi
	exec {lock}>&-
	version=$(cat "$tree/include/config/kernel.release")
	echo "$tree/root/$version"
}

# build_kernel NAME: build the kernel of built_kernel from its configuration.
build_kernel()
{
	local name=$1 tree=$build/lab/$1 source version root
	local config=$top/scripts/lab.d/$1.config

	source=$(kernel_source) || return
	kernel_make() {
		env -u MAKEFLAGS -u MAKEOVERRIDES -u MFLAGS -u KDIR \
			make -C "$source" O="$tree" "$@"
	}
	kernel_make KCONFIG_ALLCONFIG="$config" allnoconfig || return
	# Fail if make has dropped a line of the file: the file has a mistake.
	! grep -xE 'CONFIG_[A-Z0-9_]+=.*' "$config" |
		grep -vxFf "$tree/.config" || return
	kernel_make -j"$(nproc)" all || return
	version=$(cat "$tree/include/config/kernel.release")
	root=$tree/root/$version
	rm -rf "$tree/root"
	mkdir -p "$root/boot" "$root/lib/modules/$version"
	cp "$tree/arch/x86/boot/bzImage" "$root/boot/vmlinuz-$version" &&
		strip -o "$root/boot/vmlinux-$version" "$tree/vmlinux" || return
	! grep -qx CONFIG_MODULES=y "$tree/.config" ||
		kernel_make INSTALL_MOD_PATH="$root" INSTALL_MOD_STRIP=1 modules_install
}

# installed_headers [PREFIX]: print the version of the running kernel if its headers are
# installed and there is no PREFIX; else that of the newest installed headers of Debian's
# stock kernel, or nothing.
installed_headers()
{
	local running

	running=$(uname -r)
	if [ -z "${1-}" ] && [ -d "/usr/src/linux-headers-$running" ]; then
		echo "$running"
		return
	fi
	find /usr/src -maxdepth 1 -name 'linux-headers-*-amd64' -printf '%f\n' \
		2>/dev/null | newest_of linux-headers- "${1-}"
}

# headers_dir [PREFIX]: print a folder to build the module against (make's KDIR).
# It has the headers of installed_headers or, if there are none, those of Debian's package,
# unpacked at first use. PREFIX may be the name of a kernel of built_kernel.
headers_dir()
{
	local prefix=${1-} version dir kdir common

	if [ -f "$top/scripts/lab.d/$prefix.config" ]; then
		built_kernel "$prefix" >/dev/null
		echo "$build/lab/$prefix"
		return
	fi
	dir=/lib/modules/$(uname -r)/build
	[ -z "$prefix" ] && [ -d "$dir" ] ||
		dir=/usr/src/linux-headers-$(installed_headers "$prefix")
	if [ -f "$dir/Makefile" ]; then
		echo "$dir"
		return
	fi
	[ -n "$prefix" ] || prefix=$(newest headers)
	version=$(find "$build/headers" -mindepth 1 -maxdepth 1 \
			-printf '%f\n' 2>/dev/null | newest_of '' "$prefix")
	[ -n "$version" ] || version=$(newest headers "$prefix")
	[ -n "$version" ] || die "there is no package linux-headers-$prefix*-amd64"

	dir=$build/headers/$version
	if ! [ -d "$dir" ]; then
		common=$(apt-cache depends "linux-headers-$version" |
			sed -n 's/ *Depends: \(linux-\(headers\|kbuild\)-.*\)/\1/p')
		# shellcheck disable=SC2086 # two names
		unpack_packages "$dir" "linux-headers-$version" $common ||
			die "could not fetch linux-headers-$version"
	fi
	# The Makefile of the package includes that of another package by an absolute path.
	kdir=$dir/usr/src/linux-headers-$version
	grep -q "^include $dir/" "$kdir/Makefile" ||
		sed -i "s,^include .*/usr/src/,include $dir/usr/src/," "$kdir/Makefile"
	echo "$kdir"
}

# make_tests FOLDER: build the test guests (guest) or the programs of the system tests (system),
# in build/tests/FOLDER. If two runs come at once, one builds and the other waits.
make_tests()
{
	local lock status=0

	mkdir -p "$build/tests"
	exec {lock}>"$build/tests/$1.lock"
	flock "$lock"
	make -s --no-print-directory -C "$top/tests/$1" >&2 || status=1
	exec {lock}>&-
	return $status
}

# pack DIR: print a cpio archive of DIR that depends only on DIR's contents.
pack()
{
	(
		cd "$1" || exit
		find . -exec touch -hd @0 {} +
		find . -print0 | LC_ALL=C sort -z |
			cpio --quiet -0 -o -H newc -R 0:0 --reproducible
	)
}
