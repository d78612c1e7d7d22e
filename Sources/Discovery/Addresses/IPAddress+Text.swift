#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

extension IPAddress: CustomStringConvertible {
    /// As people write it: dotted, or with colons and the longest run of zeros left out.
    package var description: String {
        var text = [CChar](repeating: 0, count: 64)
        let family = family == .v4 ? AF_INET : AF_INET6
        guard inet_ntop(family, bytes, &text, socklen_t(text.count)) != nil else { return "" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
