/// The checksum of ISO 3309, as zlib has it: polynomial 0xEDB88320, bits reflected.
struct CRC32: Sendable {
    private var register: UInt32 = ~0

    var value: UInt32 { ~register }

    mutating func update(_ bytes: some Sequence<UInt8>) {
        var register = register
        for byte in bytes {
            register = Self.table[Int(UInt8(truncatingIfNeeded: register) ^ byte)] ^ (register >> 8)
        }
        self.register = register
    }

    /// What each byte makes of an empty register.
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 0 ? value >> 1 : value >> 1 ^ 0xEDB8_8320 }
    }
}
