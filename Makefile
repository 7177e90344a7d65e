# rawr - one file builds, checks, runs and installs everything.
#
#	make run        install what is missing, build, start, show a run, follow the logs
#	make test       install what is missing, build, pass every test
#	make up | down  the same system in the background
#	make build      the programs, in build/
#	make check      layers, format, both compilers, clang-tidy, cppcheck, man pages
#	make soak       every fault test, in its long form
#	make fuzz       60 s of each fuzz harness       make bench   ratios, in one run
#	make sync       write rawr.hq.json from the plugins
#	make install DESTDIR=
#
# MODE=san builds with ASan and UBSan into build/san.

MODE	?= hard
B	= build$(if $(filter-out hard,$(MODE)),/$(MODE))
O	= build/obj/$(MODE)
PREFIX	?= /usr
DESTDIR	?=

# ------------------------------------------------------------------ flags --

WARN	= -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow \
	  -Wcast-qual -Wcast-align -Wformat=2 -Wundef -Wvla \
	  -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	  -Wpointer-arith -Wwrite-strings -Wswitch-enum \
	  -Wimplicit-fallthrough -Wnull-dereference \
	  -Wdeclaration-after-statement
WGCC	= -Wlogical-op -Wduplicated-cond -Wduplicated-branches \
	  -Wjump-misses-init -Wformat-overflow=2 -Wstringop-overflow=4 \
	  -Wenum-conversion
WCLANG	= -Wcomma -Wmissing-variable-declarations -Wunreachable-code \
	  -Wshorten-64-to-32 -Wassign-enum
hard	= -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong \
	  -fstack-clash-protection -fcf-protection -fPIE
san	= -O1 -fsanitize=address,undefined -fno-sanitize-recover=all \
	  -fno-omit-frame-pointer -fPIE
clang	= $(hard)
strict	= $(hard)
fuzz	= -O1 -fsanitize=fuzzer-no-link,address,undefined \
	  -fno-sanitize-recover=all -fno-omit-frame-pointer -fPIE
CC	= $(if $(filter clang fuzz,$(MODE)),clang,gcc)
WERROR	?=
INC	= -Ilib -I. -Itests/unit -isystem build/sqlite
CPPFLAGS = $(INC) -D_DEFAULT_SOURCE -D_XOPEN_SOURCE=700
CFLAGS	= -std=c17 -g $(WARN) $(if $(filter clang,$(CC)),$(WCLANG),$(WGCC)) \
	  $(WERROR) $($(MODE))
LDFLAGS	= -pie -Wl,-z,relro,-z,now $(if $(filter san fuzz,$(MODE)),$($(MODE)))
LDLIBS	= -lfcgi -ljson-c -lsodium -lcrypto -lm

# ------------------------------------------------------------------ files --

LIBSRC	= $(sort $(shell find lib -name '*.c'))
PLUGSRC	= $(sort $(shell find plugins -name '*.c'))
FUZZERS	= $(sort $(basename $(notdir $(wildcard tests/fuzz/fuzz_*.c))))
UNITS	= $(sort $(basename $(notdir $(wildcard tests/unit/test_*.c))))
RESPONDERS = rpc openapi workflows inngest engine
PROGRAMS = $(RESPONDERS:%=$(B)/%.fcgi) $(B)/rawr-runner $(B)/rawr
HOSTOBJ	= $(addprefix $(O)/fcgi/,host.o boundary.o surface.o count.o probes.o)
RUNNEROBJ = $(patsubst %.c,$(O)/%.o,$(wildcard runner/*.c))
CLIOBJ	= $(patsubst %.c,$(O)/%.o,$(filter-out cli/compose.c,$(wildcard cli/*.c)))
LIBHQ	= $(O)/libhq.a
APIOBJ	= $(patsubst %.c,$(O)/%.o,$(filter plugins/api/%,$(PLUGSRC)))
COMMANDOBJ = $(patsubst %.c,$(O)/%.o,$(filter plugins/cli/%,$(PLUGSRC)))
FLOWOBJ	= $(patsubst %.c,$(O)/%.o,$(filter plugins/workflows/%,$(PLUGSRC)))

.PHONY: objects all build run up down test soak check fuzz bench sync install deps \
	test-deps clean clean-objects unit tidy fuzzers
all: build

# ------------------------------------------------------------ what is needed --

deps:
	@cli/packages.sh run
test-deps:
	@cli/packages.sh run test

# SQLite below 3.51.3 can lose committed rows in WAL mode.  The system's is
# taken where it is new enough; else the amalgamation inside a pinned npm
# package, of which nothing is run.
SQLITE_PKG = better-sqlite3@12.11.1
SQLITE_SHA = ebf0ed75a7a59dbcb3b24bbd014ef49d9f15bc328e4adcbf516f2a8fadfa2835
SQLITE_SYSTEM := $(shell pkg-config --atleast-version=3.51.3 sqlite3 2>/dev/null && echo yes)
SQLITE_FLAGS = -DSQLITE_THREADSAFE=0 -DSQLITE_DQS=0 \
	-DSQLITE_DEFAULT_MEMSTATUS=0 -DSQLITE_OMIT_DEPRECATED \
	-DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_OMIT_SHARED_CACHE \
	-DSQLITE_OMIT_AUTOINIT -DSQLITE_LIKE_DOESNT_MATCH_BLOBS \
	-DSQLITE_USE_ALLOCA -DSQLITE_MAX_EXPR_DEPTH=0 -DHAVE_FDATASYNC=1
ifeq ($(SQLITE_SYSTEM),yes)
LDLIBS	+= -lsqlite3
SQLITE_OBJ =
SQLITE_H =
else
SQLITE_OBJ = $(if $(filter fuzz,$(MODE)),build/obj/hard,$(O))/sqlite3.o
SQLITE_H = build/sqlite/sqlite3.h
endif

build/sqlite/sqlite3.c: | deps
	@mkdir -p build/sqlite
	cd build/sqlite && npm pack --silent $(SQLITE_PKG) >/dev/null
	cd build/sqlite && echo "$(SQLITE_SHA)  better-sqlite3-12.11.1.tgz" | \
	    sha256sum --check --quiet
	cd build/sqlite && tar -xzf better-sqlite3-12.11.1.tgz --touch \
	    --strip-components=3 package/deps/sqlite3
	rm -f build/sqlite/better-sqlite3-12.11.1.tgz
build/sqlite/sqlite3.h: build/sqlite/sqlite3.c
$(O)/sqlite3.o: build/sqlite/sqlite3.c Makefile
	@mkdir -p $(@D)
	$(CC) -std=c17 -g $($(MODE)) $(SQLITE_FLAGS) -w -c -o $@ $<

# ------------------------------------------------------------------- build --

build: deps $(PROGRAMS)
	@$(B)/rawr hq check --root .

$(O)/%.o: %.c $(SQLITE_H) | deps
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$(LIBHQ): $(LIBSRC:%.c=$(O)/%.o) $(SQLITE_OBJ)
	@rm -f $@
	@$(AR) rcs $@ $^

# The composition: rawr.hq.json and the contracts, as C.  Always made anew; the
# file is replaced only where its text differs.
$(O)/compose: $(O)/cli/compose.o $(LIBHQ)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
CONTRACTS = rawr.hq.json $(wildcard plugins/*/*/*.json lib/domain/*/types.json)
PAGES	= $(shell find plugins/agents -type d -o -name '*.md')
$(O)/gen/%.c: $(O)/compose $(CONTRACTS) $(PLUGSRC) $(PAGES)
	@mkdir -p $(@D)
	@$(O)/compose . $(subst +,$(comma),$*) $@
$(O)/gen/%.o: $(O)/gen/%.c
	@$(CC) $(CPPFLAGS) $(CFLAGS) -Wno-overlength-strings -c -o $@ $<
comma	:= ,
.PRECIOUS: $(O)/gen/%.c

$(B)/rpc.fcgi: $(O)/fcgi/rpc.o $(O)/gen/api+workflows.o $(APIOBJ) $(FLOWOBJ)
$(B)/openapi.fcgi: $(O)/fcgi/openapi.o $(O)/gen/api.o $(O)/gen/listing.o $(APIOBJ)
$(B)/workflows.fcgi: $(O)/fcgi/workflows.o $(O)/gen/workflows.o $(FLOWOBJ)
$(B)/inngest.fcgi: $(O)/fcgi/inngest.o $(O)/gen/workflows.o $(FLOWOBJ)
# It serves no plugin: those of the web have no code.
$(B)/engine.fcgi: $(O)/fcgi/engine.o $(O)/gen/web.o
$(RESPONDERS:%=$(B)/%.fcgi): $(HOSTOBJ)
$(B)/rawr-runner: $(RUNNEROBJ) $(O)/gen/workflows.o $(FLOWOBJ)
$(B)/rawr: $(CLIOBJ) $(O)/gen/api+workflows.o $(O)/gen/listing.o \
	$(O)/gen/commands.o $(APIOBJ) $(FLOWOBJ) $(COMMANDOBJ)
$(PROGRAMS): $(LIBHQ)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIBHQ) $(LDLIBS)

# Every source compiled and nothing linked: for make check.
OBJECTS	= $(LIBSRC:%.c=$(O)/%.o) $(PLUGSRC:%.c=$(O)/%.o) $(RUNNEROBJ) $(CLIOBJ) \
	$(HOSTOBJ) $(RESPONDERS:%=$(O)/fcgi/%.o) $(O)/cli/compose.o
objects: $(OBJECTS) $(UNITS:%=$(O)/tests/unit/%.o) \
	$(FUZZERS:%=$(O)/tests/fuzz/%.o) $(O)/tests/differential/driver.o

# An object is newer than its stamp when anything it was made from has changed.
# A process per file: one that has read others finds va_lists that are not there.
tidy: $(OBJECTS:%.o=%.tidy)
$(O)/%.tidy: $(O)/%.o .clang-tidy
	@clang-tidy --quiet $*.c -- -std=c17 $(CPPFLAGS) 2>/dev/null
	@touch $@

sync: $(O)/compose
	@$(O)/compose . sync

# --------------------------------------------------------------------- run --

run: build
	@cli/system.sh run
up: build
	@cli/system.sh up
down:
	@cli/system.sh down

# ------------------------------------------------------------------- tests --

$(O)/tests/%: $(O)/tests/unit/%.o $(APIOBJ) $(FLOWOBJ) $(O)/gen/api+workflows.o $(LIBHQ)
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIBHQ) $(LDLIBS) \
	    -lcheck -lsubunit -lrt -lpthread
$(O)/tests/test_surface: $(O)/fcgi/surface.o
unit: $(UNITS:%=$(O)/tests/%)
	@tests/unit/run.sh $(O)/tests $(UNITS)

$(B)/fuzz_%: $(O)/tests/fuzz/fuzz_%.o $(LIBHQ)
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)
$(B)/fuzz_url: LDLIBS += -lcurl
fuzzers: $(FUZZERS:%=$(B)/%)

$(B)/driver: $(O)/tests/differential/driver.o $(LIBHQ)
	@$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

test: test-deps
	@$(MAKE) --no-print-directory -j2 build
	@$(MAKE) --no-print-directory -j2 MODE=san build
	@tests/run.sh

SOAK	= test_power test_io_faults
# Every boundary instead of a sample, and longer runs.
soak: test-deps build
	@$(MAKE) --no-print-directory MODE=san $(SOAK:%=build/obj/san/tests/%)
	@RAWR_SOAK=1 tests/unit/run.sh build/obj/san/tests $(SOAK)
	@RAWR_SOAK=1 tests/run.sh faults sdk

check: test-deps build
	@tests/lint/check.sh

fuzz: test-deps build
	@tests/fuzz/run.sh
bench: test-deps build
	@tests/bench/run.sh

# ----------------------------------------------------------------- install --

install: build
	@cli/install.sh "$(DESTDIR)" "$(PREFIX)"

clean:
	rm -rf build/obj build/san build/clang build/fuzz $(PROGRAMS)

-include $(shell find build/obj -name '*.d' 2>/dev/null)
