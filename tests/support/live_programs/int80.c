#include <string.h>
#include <stdio.h>
/* Opens by the call of 32-bit programs. The path has to lie where 32 bits reach: in a program that is no PIE. */
static char path[4096];
int main(int count, char **words)
{
	long result;
	strncpy(path, words[1], sizeof path - 1);
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(5), "b"(path), "c"(0), "d"(0)
			 : "memory", "r8", "r9", "r10", "r11");
	printf("%ld", result);
	return count != 2 || result < 0;
}
