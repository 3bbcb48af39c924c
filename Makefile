# SPDX-License-Identifier: GPL-2.0
#
# Builds in $(BUILD), so that the tree stays clean; "make help" tells what there
# is.

# Never the outer make's parallelism for whole targets: they share $(BUILD).
.NOTPARALLEL:

CACHE := $(or $(GUNYAH_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/gunyah)
BUILD ?= build
override BUILD := $(abspath $(BUILD))
export BUILD

# What the user wrote, not make's idea of its dollar signs
override GUEST_CMD := $(value GUEST_CMD)
export GUEST_CMD

ON_ARM64 := $(filter aarch64,$(shell uname -m))
ifeq ($(ON_ARM64),)
CROSS_COMPILE ?= aarch64-linux-gnu-
endif

# Debian's kernels: the release's own, unless KERNEL says otherwise
KERNEL_GIVEN := $(KERNEL)
CODENAME := $(shell . /etc/os-release 2>/dev/null; echo "$$VERSION_CODENAME")
KERNEL ?= $(if $(filter trixie,$(CODENAME)),6.12,6.1)
export KERNEL

# Kernel to build the modules for
ifeq ($(KDIR),)
ifneq ($(and $(ON_ARM64),$(if $(KERNEL_GIVEN),,y)),)
KDIR := /lib/modules/$(shell uname -r)/build
else
KDIR := $(CACHE)/headers-$(KERNEL)
HEADERS := headers
endif
endif

RELEASE = $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' \
		$(KDIR)/include/generated/utsrelease.h 2>/dev/null)
MODULES = $(BUILD)/$(if $(GUNYAH_KUNIT),kunit,modules)-$(RELEASE)
SOURCES := Kbuild arch drivers include $(if $(GUNYAH_KUNIT)$(GUNYAH_TEST),tests)

# Kernel builds take M=, so each gets a tree of links to the sources for its
# objects: kernels do not disturb each other.
define link-sources
	@test -n '$(RELEASE)' || \
		{ echo 'gunyah: no kernel headers in $(KDIR)' >&2; exit 1; }
	@mkdir -p $(MODULES)
	@cp -rsf $(addprefix $(CURDIR)/,$(SOURCES)) $(MODULES)/
	@find $(MODULES) -xtype l -delete
endef

# The host's own libfdt can be given, with include/ and lib/libfdt.a
ifeq ($(LIBFDT),)
LIBFDT := $(CACHE)/libfdt
FETCH_LIBFDT := libfdt
endif

KBUILD = $(MAKE) -C $(KDIR) M=$(MODULES) ARCH=arm64 \
	CROSS_COMPILE=$(CROSS_COMPILE) \
	CC=$(if $(LLVM),clang,$(CROSS_COMPILE)gcc) \
	GUNYAH_KUNIT=$(GUNYAH_KUNIT) GUNYAH_TEST=$(GUNYAH_TEST)

.PHONY: all modules modules_install headers hypervisor vmm selftests libfdt
.PHONY: run test check doc clean distclean update help
all: modules

modules: $(HEADERS)
	$(link-sources)
	+$(KBUILD) modules

modules_install: $(HEADERS)
	+$(KBUILD) modules_install

headers:
	@scripts/setup.sh fetch build
	@scripts/fetch.sh headers $(KERNEL) >/dev/null

libfdt:
	@scripts/setup.sh fetch build
	@scripts/fetch.sh libfdt >/dev/null

hypervisor: $(FETCH_LIBFDT)
	+$(MAKE) -C tests/hypervisor O=$(BUILD)/hypervisor LIBFDT=$(LIBFDT)

vmm: $(FETCH_LIBFDT)
	+$(MAKE) -C samples/gunyah O=$(BUILD)/vmm LIBFDT=$(LIBFDT)

selftests: $(FETCH_LIBFDT)
	+$(MAKE) -C tests/selftests O=$(BUILD)/selftests LIBFDT=$(LIBFDT)

run:
	@tests/qemu/run.sh

test:
	@tests/qemu/test.sh

check:
	@scripts/check.sh

doc:
	sphinx-build -q -W --keep-going Documentation $(BUILD)/doc

update:
	@scripts/fetch.sh update

clean:
	rm -rf $(BUILD)

distclean: clean
	rm -rf $(CACHE)

help:
	@sed -n 's/^# *help: \{0,1\}//p' $(firstword $(MAKEFILE_LIST))

# help: Targets
# help:   modules          all modules (default), in build/modules-<release>
# help:   modules_install  install them (INSTALL_MOD_PATH=, as the kernel's)
# help:   run              boot a guest in QEMU, its shell on this terminal
# help:   test             KUnit and selftests in QEMU under a debugging kernel
# help:   check            sparse, W=1, clang, checkpatch, shellcheck, Sphinx
# help:   doc              documentation as HTML, build/doc (wants Sphinx)
# help:   hypervisor       the test hypervisor, build/hypervisor
# help:   vmm              the VMM, build/vmm
# help:   clean            remove build/; distclean also removes the cache
# help:   update           use newer packages of Debian, if there are any
# help:
# help: Variables for modules
# help:   KERNEL=6.1|6.12  build against Debian's headers, fetched
# help:   KDIR=DIR         build against these (default on arm64: running kernel)
# help:   CROSS_COMPILE=   compiler prefix
# help:   LLVM=1           compile with clang (for a kernel that was, too)
# help:   LIBFDT=DIR       for vmm: has include/ and lib/libfdt.a (default: fetched)
# help:   BUILD=DIR        where to build (default build)
# help:   GUNYAH_CACHE=DIR downloads and slow builds (default ~/.cache/gunyah)
# help:
# help: Variables for run
# help:   GUEST_CMD='...'  run this in the guest, no terminal; fails if
# help:                    it fails (its status: GUEST_CMD= tests/qemu/run.sh)
# help:   MEM=512M CPUS=2  the guest's memory and CPUs
# help:   PRIMARY_CPUS=2   CPUs of the primary VM
# help:   KERNEL= GUEST_KERNEL=   Debian kernel of the primary and of the guest
# help:   SHARE=1          share the guest's memory instead of lending it
# help:   CAPS=random      random capability IDs, as in a production build
# help:   HYPERVISOR=FILE  boot this image of the real hypervisor instead
# help:   LOG=FILE         both kernels' messages (default build/run/log)
# help:   TIMEOUT=SECONDS  with GUEST_CMD, give up after this time (default 1800)
# help:
# help: Variables for test
# help:   TESTS='kunit gunyah_api'  only the KUnit suites, only these selftests
# help:   BENCH_MIB=64     how much memory gunyah_membench measures, at most
# help:   OPERATIONS=10000 how many of each gunyah_vcpubench measures
