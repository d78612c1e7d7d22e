#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

/// The C library's words for an error number.
package func errnoText(_ number: CInt) -> String {
    String(cString: strerror(number)).lowercased()
}
