/* The one function that Rust's standard library takes from bcryptprimitives.dll, which Wine has since its version 9. */
#include <windows.h>
#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T len)
{
    return RtlGenRandom(data, len);
}
