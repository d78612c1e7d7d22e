import Wire

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

/// Small files, read whole.
package enum WholeFile {
    /// Bytes: a models.ini has a few thousand.
    private static let limit = 4 << 20

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
        /// Whether there is no such file.
        package let isMissing: Bool
    }

    package static func read(_ path: String) throws(Failure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw Failure(description: "cannot read \(path): \(errnoText(errno))", isMissing: errno == ENOENT)
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = buffer.withUnsafeMutableBytes { Wrapped.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw Failure(description: "cannot read \(path): \(errnoText(errno))", isMissing: false)
            }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= limit else {
                throw Failure(description: "\(path) is larger than \(limit >> 20) MiB", isMissing: false)
            }
        }
    }
}

/// The C function, which the type's own hides.
private enum Wrapped {
    static func read(_ descriptor: CInt, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
        #if canImport(Darwin)
            Darwin.read(descriptor, buffer, count)
        #else
            Glibc.read(descriptor, buffer, count)
        #endif
    }
}
