/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_X86_PGTABLE_CHECKPOINT_H
#define _ASM_X86_PGTABLE_CHECKPOINT_H

#include <asm/pgtable.h>

/* Bits 52 to 56 are left to software, and by Linux to nobody else. */
#define _PAGE_BIT_CKPT_CLEAN	56
#define _PAGE_CKPT_CLEAN	(_AT(pteval_t, 1) << _PAGE_BIT_CKPT_CLEAN)

static inline bool pte_ckpt_clean(pte_t pte)
{
	return pte_flags(pte) & _PAGE_CKPT_CLEAN;
}

static inline pte_t pte_mkckpt_clean(pte_t pte)
{
	return pte_set_flags(pte, _PAGE_CKPT_CLEAN);
}

static inline pte_t pte_clear_ckpt_clean(pte_t pte)
{
	return pte_clear_flags(pte, _PAGE_CKPT_CLEAN);
}

static inline bool pmd_ckpt_clean(pmd_t pmd)
{
	return pmd_flags(pmd) & _PAGE_CKPT_CLEAN;
}

static inline pmd_t pmd_mkckpt_clean(pmd_t pmd)
{
	return pmd_set_flags(pmd, _PAGE_CKPT_CLEAN);
}

static inline pmd_t pmd_clear_ckpt_clean(pmd_t pmd)
{
	return pmd_clear_flags(pmd, _PAGE_CKPT_CLEAN);
}

#endif /* _ASM_X86_PGTABLE_CHECKPOINT_H */
