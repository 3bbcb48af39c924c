// SPDX-License-Identifier: GPL-2.0
/*
 * The command line.
 */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "options.h"

#define DEFAULT_CMDLINE		"console=ttyS0"
/* The UART until the driver of the other one is there */
#define VIRTIO_CMDLINE		"earlycon console=hvc0"
#define DEFAULT_MEM		(256ULL << 20)
#define DEFAULT_DMA_WINDOW	(16ULL << 20)
#define MIN_MEM			(16ULL << 20)
/* Of the 44 bits of an address the Resource Manager takes. */
#define MAX_MEM			((1ULL << 40) - GUEST_RAM_BASE - MAX_DMA_WINDOW)
#define MAX_DMA_WINDOW		SZ_1G

enum {
	OPT_MEM = 256,
	OPT_CPUS,
	OPT_KERNEL,
	OPT_INITRD,
	OPT_CMDLINE,
	OPT_DTB_OUT,
	OPT_SHARE,
	OPT_MEM_BACKING,
	OPT_NO_REBOOT,
	OPT_DISK,
	OPT_DMA_WINDOW,
	OPT_NET,
	OPT_RNG,
	OPT_CONSOLE,
};

static const struct option long_options[] = {
	{ "kernel",	required_argument,	NULL, OPT_KERNEL },
	{ "initrd",	required_argument,	NULL, OPT_INITRD },
	{ "cmdline",	required_argument,	NULL, OPT_CMDLINE },
	{ "mem",	required_argument,	NULL, OPT_MEM },
	{ "cpus",	required_argument,	NULL, OPT_CPUS },
	{ "share",	no_argument,		NULL, OPT_SHARE },
	{ "disk",	required_argument,	NULL, OPT_DISK },
	{ "net",	required_argument,	NULL, OPT_NET },
	{ "rng",	no_argument,		NULL, OPT_RNG },
	{ "console",	required_argument,	NULL, OPT_CONSOLE },
	{ "dma-window",	required_argument,	NULL, OPT_DMA_WINDOW },
	{ "mem-backing", required_argument,	NULL, OPT_MEM_BACKING },
	{ "no-reboot",	no_argument,		NULL, OPT_NO_REBOOT },
	{ "dtb-out",	required_argument,	NULL, OPT_DTB_OUT },
	{ "verbose",	no_argument,		NULL, 'v' },
	{ "help",	no_argument,		NULL, 'h' },
	{ }
};

static const char help_text[] =
"usage: gunyah-vmm [run] --kernel IMAGE [options]\n"
"\n"
"Boots a Linux guest under the Gunyah hypervisor, its console on this terminal.\n"
"\n"
"  --kernel FILE    arm64 kernel, an Image, or one packed by gzip, xz or zstd\n"
"  --initrd FILE    initial RAM disk\n"
"  --cmdline TEXT   kernel command line; default: " DEFAULT_CMDLINE ", or with\n"
"                   --console virtio: " VIRTIO_CMDLINE "\n"
"  --mem SIZE       memory, a multiple of 2M; K, M and G are known; default: 256M\n"
"  --cpus N         virtual CPUs, 1 to 16; default: 1\n"
"  --share          share the guest's memory with it instead of lending it.\n"
"                   Lent memory is out of the host's reach while the guest runs;\n"
"                   some hypervisors boot no guest from memory that is shared\n"
"  --disk FILE[,ro] a file or block device as the guest's virtio disk, which it can only\n"
"                   read if ,ro follows; the first is /dev/vda; at most 8\n"
"  --net WHERE[,mac=MAC]\n"
"                   a virtio network device that is connected to tap0 or tap:tap0, a\n"
"                   tap interface of the host; or by unix:PATH to the guest whose VMM is\n"
"                   given the same PATH, whichever starts first; at most 4\n"
"  --rng            a virtio source of random numbers, the host's\n"
"  --console KIND   what is on this terminal: uart, or virtio, a virtio console; then\n"
"                   the UART only puts out. Default: uart\n"
"  --dma-window SIZE\n"
"                   memory that a guest with lent memory shares with the host, a\n"
"                   multiple of 2M: all that its virtio devices can see. It has to know\n"
"                   about restricted DMA pools. 0: none, and no such devices;\n"
"                   default: 16M\n"
"  --mem-backing KIND\n"
"                   what the guest's memory is: guest-mem, a guest memory file of the\n"
"                   driver; hugetlb, reserved huge pages; or anon, memory of this\n"
"                   program. Default: the first of these that there is\n"
"  --no-reboot      end when the guest asks for a reset, rather than boot it again\n"
"  --dtb-out FILE   write the guest's devicetree to FILE and end; needs no Gunyah\n"
"  -v, --verbose    say what is done\n"
"  -h, --help       this text\n"
"\n"
"On a terminal, Ctrl-a x ends the guest and Ctrl-a a sends a Ctrl-a to it.\n"
"SIGINT, SIGTERM, SIGHUP and SIGQUIT end the guest as well.\n"
"\n"
"exit status:\n"
"    0  the guest powered itself off\n"
"    1  the guest could not be set up or run\n"
"    2  wrong usage\n"
"    3  the guest asked for a reset, with --no-reboot\n"
"    4  the guest crashed\n"
"    5  Ctrl-a x\n"
"  128+N  ended by signal N\n";

/* A number with an optional K, M or G; false when it is none or too large. */
static bool parse_size(const char *text, u64 *size)
{
	unsigned int shift = 0;
	unsigned long long value;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	value = strtoull(text, &end, 0);
	switch (*end) {
	case 'k':
	case 'K':
		shift = 10;
		break;
	case 'm':
	case 'M':
		shift = 20;
		break;
	case 'g':
	case 'G':
		shift = 30;
		break;
	}
	if (shift)
		end++;
	if (*end || value > MAX_MEM >> shift)
		return false;
	*size = value << shift;
	return true;
}

static bool set_mem(struct options *opts, const char *text)
{
	if (!parse_size(text, &opts->mem_size) || opts->mem_size < MIN_MEM ||
	    opts->mem_size % SZ_2M) {
		log_error(0, "--mem %s: not a multiple of 2M from 16M up", text);
		return false;
	}
	return true;
}

static bool set_dma_window(struct options *opts, const char *text)
{
	if (!parse_size(text, &opts->dma_window) || opts->dma_window % SZ_2M ||
	    opts->dma_window > MAX_DMA_WINDOW) {
		log_error(0, "--dma-window %s: not a multiple of 2M up to 1G", text);
		return false;
	}
	return true;
}

static bool add_disk(struct options *opts, char *text)
{
	struct disk *disk = &opts->disks[opts->disk_count];
	size_t len = strlen(text);

	if (opts->disk_count == MAX_DISKS) {
		log_error(0, "--disk %s: one too many", text);
		return false;
	}
	disk->read_only = len >= 3 && !strcmp(text + len - 3, ",ro");
	if (disk->read_only)
		text[len - 3] = '\0';
	disk->path = text;
	opts->disk_count++;
	return true;
}

static bool parse_mac(const char *text, u8 *mac)
{
	int end = 0;

	return sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0], &mac[1],
		      &mac[2], &mac[3], &mac[4], &mac[5], &end) == MAC_SIZE &&
	       end == 3 * MAC_SIZE - 1 && !text[end] && !(mac[0] & 1);
}

static bool add_net(struct options *opts, char *text)
{
	struct net *net = &opts->nets[opts->net_count];
	char *mac = strstr(text, ",mac=");

	if (opts->net_count == MAX_NETS) {
		log_error(0, "--net %s: one too many", text);
		return false;
	}
	if (mac && !parse_mac(mac + strlen(",mac="), net->mac)) {
		log_error(0, "--net %s: not the MAC address of one station", text);
		return false;
	}
	net->has_mac = mac;
	if (mac)
		*mac = '\0';
	net->name = text;
	opts->net_count++;
	return true;
}

static bool set_console(struct options *opts, const char *kind)
{
	opts->virtio_console = !strcmp(kind, "virtio");
	if (!opts->virtio_console && strcmp(kind, "uart")) {
		log_error(0, "--console %s: not one of uart, virtio", kind);
		return false;
	}
	return true;
}

static bool set_backing(struct options *opts, const char *name)
{
	opts->backing = mem_backing_find(name);
	if (!opts->backing) {
		log_error(0, "--mem-backing %s: not one of guest-mem, hugetlb, anon", name);
		return false;
	}
	return true;
}

static bool set_cpus(struct options *opts, const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (end == text || *end || n < 1 || n > GUEST_MAX_CPUS) {
		log_error(0, "--cpus %s: not a number from 1 to %d", text,
			  GUEST_MAX_CPUS);
		return false;
	}
	opts->cpus = n;
	return true;
}

static enum options_result set_option(struct options *opts, int opt)
{
	switch (opt) {
	case OPT_KERNEL:
		opts->kernel = optarg;
		break;
	case OPT_INITRD:
		opts->initrd = optarg;
		break;
	case OPT_CMDLINE:
		opts->cmdline = optarg;
		break;
	case OPT_DTB_OUT:
		opts->dtb_out = optarg;
		break;
	case OPT_MEM:
		return set_mem(opts, optarg) ? OPTIONS_RUN : OPTIONS_BAD;
	case OPT_CPUS:
		return set_cpus(opts, optarg) ? OPTIONS_RUN : OPTIONS_BAD;
	case OPT_MEM_BACKING:
		return set_backing(opts, optarg) ? OPTIONS_RUN : OPTIONS_BAD;
	case OPT_DISK:
		return add_disk(opts, optarg) ? OPTIONS_RUN : OPTIONS_BAD;
	case OPT_NET:
		return add_net(opts, optarg) ? OPTIONS_RUN : OPTIONS_BAD;
	case OPT_CONSOLE:
		return set_console(opts, optarg) ? OPTIONS_RUN : OPTIONS_BAD;
	case OPT_RNG:
		opts->rng = true;
		break;
	case OPT_DMA_WINDOW:
		return set_dma_window(opts, optarg) ? OPTIONS_RUN : OPTIONS_BAD;
	case OPT_NO_REBOOT:
		opts->no_reboot = true;
		break;
	case OPT_SHARE:
		opts->share = true;
		break;
	case 'v':
		log_verbose = true;
		break;
	case 'h':
		fputs(help_text, stdout);
		return OPTIONS_DONE;
	default:
		log_hint("gunyah-vmm --help lists the options");
		return OPTIONS_BAD;
	}
	return OPTIONS_RUN;
}

bool options_have_dma(const struct options *opts)
{
	return opts->disk_count || opts->net_count || opts->rng || opts->virtio_console;
}

/* What is wrong, or missing, in all of them together */
static bool are_complete(struct options *opts)
{
	if (!opts->kernel) {
		log_error(0, "no --kernel given");
		log_hint("gunyah-vmm --help lists the options");
		return false;
	}
	if (options_have_dma(opts) && !opts->share && !opts->dma_window) {
		log_error(0, "lent memory is out of reach for virtio devices");
		log_hint("give a --dma-window, or --share the memory");
		return false;
	}
	if (!opts->cmdline)
		opts->cmdline = opts->virtio_console ? VIRTIO_CMDLINE : DEFAULT_CMDLINE;
	return true;
}

enum options_result options_parse(struct options *opts, int argc, char **argv)
{
	int opt;

	*opts = (struct options) {
		.mem_size = DEFAULT_MEM,
		.dma_window = DEFAULT_DMA_WINDOW,
		.cpus = 1,
	};

	while ((opt = getopt_long(argc, argv, "vh", long_options, NULL)) != -1) {
		enum options_result result = set_option(opts, opt);

		if (result != OPTIONS_RUN)
			return result;
	}

	if (optind < argc && !strcmp(argv[optind], "run"))
		optind++;
	if (optind < argc) {
		log_error(0, "%s: unexpected argument", argv[optind]);
		log_hint("gunyah-vmm --help lists the options");
		return OPTIONS_BAD;
	}
	return are_complete(opts) ? OPTIONS_RUN : OPTIONS_BAD;
}
