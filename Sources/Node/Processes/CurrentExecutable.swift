import Foundation

#if canImport(Darwin)
    import Darwin
#endif

/// This program's own file: the router is the same program with another verb.
package enum CurrentExecutable {
    /// Absolute, links resolved.
    package static func path() -> String? {
        #if canImport(Darwin)
            var size: UInt32 = 0
            _NSGetExecutablePath(nil, &size)
            var buffer = [CChar](repeating: 0, count: Int(size))
            guard _NSGetExecutablePath(&buffer, &size) == 0 else { return nil }
            let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            return URL(fileURLWithPath: String(decoding: bytes, as: UTF8.self)).resolvingSymlinksInPath().path
        #else
            // Where the program was replaced by an upgrade, the link says so; the new one of that name is meant.
            let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
            let deleted = " (deleted)"
            return link.map { $0.hasSuffix(deleted) ? String($0.dropLast(deleted.count)) : $0 }
        #endif
    }
}
