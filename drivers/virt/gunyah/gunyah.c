// SPDX-License-Identifier: GPL-2.0
/*
 * Identification of the Gunyah hypervisor
 */

#define pr_fmt(fmt) "gunyah: " fmt

#include <linux/bitfield.h>
#include <linux/export.h>
#include <linux/gunyah.h>
#include <linux/init.h>
#include <linux/module.h>

/* Written once, before anybody can call. */
static struct gh_hypercall_hyp_identify_resp gh_api;

/**
 * gh_api_version() - version of the hypervisor's interface
 *
 * Return: the version; it is GH_API_V1, others are not supported.
 */
u16 gh_api_version(void)
{
	return FIELD_GET(GH_API_INFO_VERSION_MASK, gh_api.api_info);
}
EXPORT_SYMBOL_GPL(gh_api_version);

/**
 * gh_api_variant() - who built the hypervisor
 *
 * Return: a character, for example 'Q'; 0 if it does not say.
 */
u8 gh_api_variant(void)
{
	return FIELD_GET(GH_API_INFO_VARIANT_MASK, gh_api.api_info);
}
EXPORT_SYMBOL_GPL(gh_api_variant);

/**
 * gh_api_has_feature() - ask for a feature of the hypervisor
 * @feature: which
 *
 * Return: true if the hypervisor says that it has it.
 */
bool gh_api_has_feature(enum gh_api_feature feature)
{
	return gh_api.flags[0] & BIT_ULL(feature);
}
EXPORT_SYMBOL_GPL(gh_api_has_feature);

/**
 * gh_api_features() - features of the hypervisor, as it says them
 * @word: which of the words, from 0
 *
 * Return: a word of features, 0 if there is no such word.
 */
u64 gh_api_features(unsigned int word)
{
	return word < GH_API_FEATURE_WORDS ? gh_api.flags[word] : 0;
}
EXPORT_SYMBOL_GPL(gh_api_features);

static bool __init gh_api_is_supported(void)
{
	bool big_endian = gh_api.api_info & GH_API_INFO_BIG_ENDIAN;

	return gh_api_version() == GH_API_V1 &&
	       gh_api.api_info & GH_API_INFO_IS_64BIT &&
	       big_endian == IS_ENABLED(CONFIG_CPU_BIG_ENDIAN);
}

static int __init gunyah_init(void)
{
	if (!arch_is_gh_guest())
		return -ENODEV;

	gh_hypercall_hyp_identify(&gh_api);
	pr_info("API version %u, variant %#x, features %#llx %#llx %#llx\n",
		gh_api_version(), gh_api_variant(),
		gh_api.flags[0], gh_api.flags[1], gh_api.flags[2]);

	if (!gh_api_is_supported()) {
		pr_err("interface %#llx is not supported\n", gh_api.api_info);
		return -ENODEV;
	}

	return 0;
}
module_init(gunyah_init);

static void __exit gunyah_exit(void)
{
}
module_exit(gunyah_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Gunyah hypervisor identification");
