/* What `live/pushdown/matchers.py` makes: functions that look something up, and return the groups of rules it
 * will do for. */
#pragma once

#define EVERY_GROUP (~0ull)

/* Generated code is linked in the place of these; alone they let everything pass. */
#define GENERATED(name)                                                                                 \
	static __noinline u64 name(u8 *buffer, u64 number)                                              \
	{                                                                                               \
		u64 groups = EVERY_GROUP;                                                               \
		asm volatile("" : "+r"(groups) : "r"(buffer), "r"(number) : "memory");                  \
		return groups;                                                                          \
	}

GENERATED(match_path)
GENERATED(match_name)
GENERATED(match_user)
GENERATED(match_port)
GENERATED(match_program)
GENERATED(match_parent)
GENERATED(match_ancestor)
GENERATED(match_exe)
GENERATED(match_directory)
