# SPDX-License-Identifier: GPL-2.0-only
#
# Builds oriel.ko, the launcher and the unit tests, installs the module and the launcher, and
# has a target for each way to run and to test them. The module's own rules are in Kbuild, the
# launcher's in user/.

PREFIX	?= /usr/local
SELFTEST = $(PREFIX)/lib/oriel/selftest
ifeq ($(origin CC),default)
CC	= gcc
endif

# Run scripts/headers once, and only for targets that need its answer.
ifndef KDIR
KDIR	= $(eval KDIR := $(shell scripts/headers))$(KDIR)
endif
KVER	= $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $(KDIR)/include/generated/utsrelease.h)

# The kernel's make must not get the options of this one.
unexport CFLAGS CPPFLAGS LDFLAGS
MODULE	= $(MAKE) -C $(KDIR) W=1 MAKEOVERRIDES= $(if $(V),V=$(V))

all: module user unit

module: | build/setup-build
	+$(MODULE) M=$(CURDIR) modules

# Build the module against another kernel's headers, in a copy of its sources:
# module-6.12 is for Debian's newest packaged 6.12, module-debug for the kernel of the
# host amd-debug, module-small for that of scripts/lab intel --kernel small.
module-%: | build/setup-build
	mkdir -p build/$@
	cp -pu --parents Kbuild scripts/kernel-facts $$(find kernel uapi -name '*.[chS]') build/$@/
	+$(MAKE) -C $$(scripts/headers $*) W=1 MAKEOVERRIDES= M=$(CURDIR)/build/$@ \
		$(if $(filter debug,$*),UBSAN_SANITIZE=y) modules

user: | build/setup-build
	+$(MAKE) -C user CC=$(CC)

unit: | build/setup-build build/setup-unit
	+$(MAKE) -C tests/unit CC=$(CC)

# The tests that oriel check --selftest runs: test guests, and programs that need only the node.
selftest: | build/setup-build
	+$(MAKE) -C tests/guest
	+$(MAKE) -C tests/system

install: module user selftest
	install -D -m 755 build/oriel $(DESTDIR)$(PREFIX)/bin/oriel
	$(if $(wildcard uapi/oriel.h),install -D -m 644 uapi/oriel.h \
		$(DESTDIR)$(PREFIX)/include/oriel.h)
	install -D -m 644 scripts/70-oriel.rules \
		$(DESTDIR)$(PREFIX)/lib/udev/rules.d/70-oriel.rules
	install -d $(DESTDIR)$(SELFTEST)/guest $(DESTDIR)$(SELFTEST)/system
	install -m 644 $(patsubst tests/%.c,build/tests/%.elf,$(wildcard tests/guest/*.c)) \
		tests/guest/options $(DESTDIR)$(SELFTEST)/guest
	install -m 755 $(patsubst tests/%.c,build/tests/%,$(wildcard tests/system/*.c)) \
		$(DESTDIR)$(SELFTEST)/system
	install -D -m 644 oriel.ko $(DESTDIR)/lib/modules/$(KVER)/updates/oriel.ko
	$(if $(DESTDIR),,depmod $(KVER))

# Run a guest, on this machine or on an emulated host. AUTO=1 types some commands.
demo: $(if $(filter amd-debug,$(HOST)),module-debug,module) user | build/setup-lab
	scripts/demo $(if $(HOST),--host $(HOST)) $(if $(AUTO),--auto)

bench: module user | build/setup-lab
	scripts/bench $(if $(HOST),--host $(HOST))

# Sphinx warns only when it reads a document, so let it read all of them each time (-E).
htmldocs: | build/setup-docs
	sphinx-build -q -E -W --keep-going -b html -d build/doctrees \
		Documentation build/htmldocs

# The output of oriel check --selftest that Documentation/silicon.rst shows.
selftest-sample: module user | build/setup-lab
	scripts/selftest-sample $(HOST)

lint: | build/setup-build build/setup-unit build/setup-lint build/setup-docs
	tests/run lint

format: | build/setup-lint
	clang-format -i $(shell git ls-files '*.[ch]')

check: all module-6.12 | build/setup-lint build/setup-docs build/setup-lab build/setup-clients
	tests/run

check-long: module | build/setup-lab
	tests/run selftests-long

# Run Debian's programs that speak KVM, on Oriel and on the in-tree KVM.
check-clients: module | build/setup-lab build/setup-clients
	tests/clients/run $(if $(HOST),--host $(HOST))

build/setup-%: scripts/setup
	scripts/setup $*
	mkdir -p build
	touch $@

clean:
	test ! -f Kbuild || $(MAKE) -C $(KDIR) M=$(CURDIR) clean
	find build -mindepth 1 -maxdepth 1 ! -name lab ! -name headers \
		! -name 'setup-*' -exec rm -rf {} + 2>/dev/null || true

help:
	@echo 'make            oriel.ko, the launcher (build/oriel), the unit tests'
	@echo 'make demo       a Linux guest to a shell; AUTO=1 types some commands,'
	@echo '                HOST=intel, amd, amd-debug, amd-bochs: on that host'
	@echo 'make check      every test, lint included'
	@echo 'make check-long the tests that take longer'
	@echo 'make check-clients  guests of QEMU, kvmtool and libvirt, on Oriel and on KVM;'
	@echo '                HOST=intel: the smallest of them, on that host'
	@echo 'make lint       the style checks alone'
	@echo 'make format     put every source into the style of .clang-format'
	@echo 'make selftest-sample  the outputs of the self test in Documentation/, from'
	@echo '                the hosts amd and intel'
	@echo 'make htmldocs   the documentation as HTML, in build/htmldocs'
	@echo 'make bench      round trips in instructions, dirty log, memory, boot time, beside'
	@echo '                KVM; HOST=intel, amd-bochs: round trips alone, on that host'
	@echo 'make selftest   the tests that oriel check --selftest runs on this machine'
	@echo 'make install    DESTDIR and PREFIX are honoured'
	@echo 'make module-6.12  the module against other headers of Debian;'
	@echo '                  -debug, -small: against those of a kernel of the lab'
	@echo 'make clean      remove what was built; build/lab and build/headers stay'
	@echo 'Variables: KDIR (kernel headers), CC, V=1'

.PHONY: all module user unit selftest selftest-sample install demo bench htmldocs lint format check
.PHONY: check-long check-clients clean help
