# The front door: `make help` lists what there is.

PREFIX = /usr/local
LIBDIR = $(PREFIX)/lib
INCLUDEDIR = $(PREFIX)/include
MANDIR = $(PREFIX)/share/man
PKGCONFIGDIR = $(LIBDIR)/pkgconfig
DOCDIR = $(PREFIX)/share/doc/libdill_ws
CMAKEDIR = $(LIBDIR)/cmake/libdill_ws
DESTDIR =

CARGO = cargo
PYTHON = python3
INSTALL = install
STRIP = strip

CARGO_TARGET_DIR ?= target
# Where cargo has its results, also when it builds for another machine. There may be spaces in it.
RELEASE := $(CARGO_TARGET_DIR)$(CARGO_BUILD_TARGET:%=/%)/release
VERSION := $(shell sed -n 's/^version = "\(.*\)"$$/\1/p' Cargo.toml | head -n 1)
# It is in the sonames too: build.rs, runtime/build.rs.
ABI := $(firstword $(subst ., ,$(VERSION)))
LIBRARIES := libdill_ws libdill_rt
HEADERS := libdill.h libdillimpl.h
DOCUMENTS := LICENSE THIRD-PARTY.txt README.md CHANGELOG.md SECURITY.md c-tests/harness/valgrind.supp
MANSECTIONS := 3 7
MANPAGES = $(wildcard man/*.$(1))
# Behind the section of an installed page. libdill has pages of the same names: both can be there.
MANSUFFIX := dill_ws

# What is linked with and installed. Shared libraries have their run-time names, so that programs run
# from here with build/ in their rpath.
SHARED := $(LIBRARIES:%=build/%.so.$(VERSION))
STATIC := $(LIBRARIES:%=build/%.a)
IMPORT := build/libdill_ws/libdill_ws.so
# What programs find as libdill.
AS_LIBDILL := $(addprefix build/libdill/,libdill.h libdill.a libdill.so.20)

.DELETE_ON_ERROR:
.PHONY: all help deps demo test autobahn bench browser fuzz-smoke sanitize miri header install install-strip uninstall \
    install-compat uninstall-compat clean cargo

all: $(SHARED) $(STATIC) $(IMPORT) $(AS_LIBDILL) ## build both libraries into build/

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18
	@echo "All that install and uninstall heed PREFIX ($(PREFIX)), LIBDIR, INCLUDEDIR, MANDIR and DESTDIR."

deps: ## install the tools that the targets below use, where Debian's apt-get is
	@tools/needs.sh --install

# With --jobs too.
test autobahn browser fuzz-smoke bench sanitize miri: | $(filter deps,$(MAKECMDGOALS))

demo: all ## a server, a client, and what goes over the wire between them
	tools/demo.sh

test: ## the tests, see docs/testing.md; the last line counts them
	@PYTHON=$(PYTHON) tools/needs.sh --test
	@$(PYTHON) tools/test.py

autobahn: all ## the Autobahn test suite: 517 cases, against a server and a client
	@$(PYTHON) c-tests/autobahn/run.py

browser: all ## the web application in headless Chromium
	@$(PYTHON) c-tests/browser/run.py

fuzz-smoke: ## each fuzz target for some seconds (needs nightly Rust and cargo-fuzz)
	fuzz/smoke.sh

bench: all ## compare with other implementations, in a few minutes; with libdill too: LIBDILL=PREFIX
	@$(PYTHON) bench/run.py $(if $(LIBDILL),--libdill $(LIBDILL))

sanitize: all ## the C tests with AddressSanitizer and UndefinedBehaviorSanitizer
	@$(PYTHON) tools/sanitize.py

miri: ## the protocol and the exported functions under miri (needs nightly Rust with miri)
	tools/miri.sh

header: ## make the headers and the list of symbols of libdill_ws from the Rust sources
	UPDATE_HEADER=1 $(CARGO) test --quiet --package dill_ws --lib made_files_are_up_to_date

clean: ## remove what was built
	rm -rf build "$(CARGO_TARGET_DIR)"

# What cargo makes, under names that make can handle.
MADE := $(foreach library,$(LIBRARIES),$(library).so $(library).a)

# Cargo decides what is out of date. Where it changes nothing, neither does the rest.
cargo:
	tools/build.sh $(CARGO) build --locked --release --workspace
	@mkdir -p build/cargo
	@for made in $(MADE); do \
	    cmp -s "$(RELEASE)/$$made" build/cargo/$$made || cp "$(RELEASE)/$$made" build/cargo/ || exit; done

$(MADE:%=build/cargo/%): cargo ;

build/%.so.$(VERSION): build/cargo/%.so
	$(INSTALL) -m 755 $< $@
	ln -sf $(@F) build/$*.so.$(ABI)
	ln -sf $*.so.$(ABI) build/$*.so

build/%.a: build/cargo/%.a symbols/%.txt tools/pack-static.sh
	tools/pack-static.sh $< $@ symbols/$*.txt

# Why there is an import library: see pkgconfig/libdill_ws.pc.in.
$(IMPORT): symbols/libdill_ws.txt symbols/libdill_rt.txt tools/import-library.sh
	@mkdir -p $(@D)
	tools/import-library.sh $@ libdill_ws.so.$(ABI) symbols/libdill_ws.txt symbols/libdill_rt.txt

# libdill's header declares the ws functions itself.
build/libdill/libdill.h: include/libdill.h include/libdill_ws.h
	@mkdir -p $(@D)
	sed -e '/^#include "libdill_ws.h"/r include/libdill_ws.h' -e '//d' $< > $@

build/libdill/libdill.a: $(STATIC) tools/join-static.sh
	@mkdir -p $(@D)
	tools/join-static.sh $@ $(STATIC)

# It has all of the code itself. One that had none, and needed libdill_ws.so.0 and libdill_rt.so.0, would
# have nothing for the linker to find.
build/libdill/libdill.so.20: build/libdill/libdill.a
	$(CC) -shared -Wl,-soname,$(@F) -Wl,-z,nodelete -Wl,-z,defs -Wl,-z,relro -Wl,-z,now -o $@ \
	    -Wl,--whole-archive $< -Wl,--no-whole-archive -lpthread -ldl

FILL_IN = sed -e 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@INCLUDEDIR@|$(INCLUDEDIR)|' \
    -e 's|@VERSION@|$(VERSION)|; s|@ABI@|$(ABI)|'

define install_pc
	$(FILL_IN) pkgconfig/$(1).pc.in > "$(DESTDIR)$(PKGCONFIGDIR)/$(1).pc"

endef

CMAKEFILES := libdill_ws-config.cmake libdill_ws-config-version.cmake

define install_cmake
	$(FILL_IN) packaging/cmake/$(1).in > "$(DESTDIR)$(CMAKEDIR)/$(1)"

endef

define install_pages
	for page in $(notdir $(call MANPAGES,$(1))); do \
	    $(INSTALL) -m 644 man/$$page "$(DESTDIR)$(MANDIR)/man$(1)/$${page}$(MANSUFFIX)" || exit; done

endef

BUILT = [ -e $(firstword $(SHARED)) ] || { echo "nothing is built yet: run make first, which needs $(CARGO)" >&2; exit 1; }

# `sudo make install` may find no cargo, and installs what `make` has built. Build systems have programs
# search, as long as they are not installed, where the linker found the libraries: so the import library has
# links to the real ones beside it.
install: $(if $(shell command -v $(CARGO)),all) ## install both libraries
	@$(BUILT)
	$(INSTALL) -d "$(DESTDIR)$(LIBDIR)/libdill_ws" "$(DESTDIR)$(PKGCONFIGDIR)" "$(DESTDIR)$(CMAKEDIR)" "$(DESTDIR)$(DOCDIR)" \
	    "$(DESTDIR)$(INCLUDEDIR)/libdill_rt" $(MANSECTIONS:%="$(DESTDIR)$(MANDIR)/man%")
	$(INSTALL) -m 755 $(SHARED) "$(DESTDIR)$(LIBDIR)/"
	$(foreach library,$(LIBRARIES),ln -sf $(library).so.$(VERSION) "$(DESTDIR)$(LIBDIR)/$(library).so.$(ABI)" && \
	    ln -sf $(library).so.$(ABI) "$(DESTDIR)$(LIBDIR)/$(library).so" &&) true
	$(INSTALL) -m 644 $(STATIC) "$(DESTDIR)$(LIBDIR)/"
	$(INSTALL) -m 755 $(IMPORT) "$(DESTDIR)$(LIBDIR)/libdill_ws/"
	$(foreach library,$(LIBRARIES),ln -sf ../$(library).so.$(ABI) "$(DESTDIR)$(LIBDIR)/libdill_ws/" &&) true
	$(INSTALL) -m 644 $(DOCUMENTS) "$(DESTDIR)$(DOCDIR)/"
	$(INSTALL) -m 644 include/libdill_ws.h include/libdill_wsx.h "$(DESTDIR)$(INCLUDEDIR)/"
	$(INSTALL) -m 644 $(HEADERS:%=include/%) "$(DESTDIR)$(INCLUDEDIR)/libdill_rt/"
	$(foreach library,$(LIBRARIES),$(call install_pc,$(library)))
	$(foreach file,$(CMAKEFILES),$(call install_cmake,$(file)))
	$(foreach section,$(MANSECTIONS),$(call install_pages,$(section)))

install-strip: install ## likewise, without debug lines, which are most of the size
	for library in $(notdir $(SHARED)); do $(STRIP) --strip-unneeded "$(DESTDIR)$(LIBDIR)/$$library" || exit; done

uninstall: ## remove what install put there
	rm -f $(foreach library,$(LIBRARIES),$(foreach suffix,a so so.$(ABI) so.$(VERSION),\
	    "$(DESTDIR)$(LIBDIR)/$(library).$(suffix)") "$(DESTDIR)$(PKGCONFIGDIR)/$(library).pc")
	rm -f "$(DESTDIR)$(INCLUDEDIR)/libdill_ws.h" "$(DESTDIR)$(INCLUDEDIR)/libdill_wsx.h" $(foreach section,$(MANSECTIONS),\
	    $(patsubst man/%,"$(DESTDIR)$(MANDIR)/man$(section)/%$(MANSUFFIX)",$(call MANPAGES,$(section))))
	rm -rf "$(DESTDIR)$(LIBDIR)/libdill_ws" "$(DESTDIR)$(CMAKEDIR)" "$(DESTDIR)$(DOCDIR)" "$(DESTDIR)$(INCLUDEDIR)/libdill_rt"

# They are libdill's names.
COMPATFILES = "$(DESTDIR)$(INCLUDEDIR)/libdill.h" "$(DESTDIR)$(INCLUDEDIR)/libdillimpl.h" \
    "$(DESTDIR)$(LIBDIR)/libdill.so" "$(DESTDIR)$(LIBDIR)/libdill.so.20" "$(DESTDIR)$(LIBDIR)/libdill.a" \
    "$(DESTDIR)$(PKGCONFIGDIR)/libdill.pc"

# Debian's libdill is in lib/x86_64-linux-gnu, where linkers and loaders look before they find ours.
install-compat: $(if $(shell command -v $(CARGO)),all) ## install both under the name of libdill, where there is none
	@$(BUILT)
	@tools/libdill-files.sh check $(COMPATFILES) "$(DESTDIR)$(LIBDIR)"/*/libdill.so*
	$(INSTALL) -d "$(DESTDIR)$(INCLUDEDIR)" "$(DESTDIR)$(LIBDIR)" "$(DESTDIR)$(PKGCONFIGDIR)"
	$(INSTALL) -m 644 build/libdill/libdill.h include/libdillimpl.h "$(DESTDIR)$(INCLUDEDIR)/"
	$(INSTALL) -m 755 build/libdill/libdill.so.20 "$(DESTDIR)$(LIBDIR)/"
	ln -sf libdill.so.20 "$(DESTDIR)$(LIBDIR)/libdill.so"
	$(INSTALL) -m 644 build/libdill/libdill.a "$(DESTDIR)$(LIBDIR)/"
	$(call install_pc,libdill)

uninstall-compat: ## remove what install-compat put there
	@tools/libdill-files.sh remove $(COMPATFILES)
