/// How much memory models may take on this machine.
package struct MemoryLimit: Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
        /// Apple silicon: one memory, of which the GPU may wire so much. `raisable` is how far the limit can go up
        /// with enough left for the system.
        case unified(raisableMebibytes: Int)
        case graphics
        case system
    }

    package var bytes: Double
    package var kind: Kind

    package init(bytes: Double, kind: Kind) {
        self.bytes = bytes
        self.kind = kind
    }

    /// macOS lets the GPU wire three quarters of the memory, unless `iogpu.wired_limit_mb` says otherwise.
    ///
    /// - Parameters:
    ///   - memory: of the machine, in bytes.
    ///   - wiredLimit: the sysctl's value, in MiB; 0 is the default.
    package static func apple(memory: Int, wiredLimit: Int) -> MemoryLimit {
        let mebibyte = 1 << 20
        // An eighth stays for the system, but neither under 4 nor over 8 GiB: 56 of 64 GiB go to the GPU.
        let reserve = min(max(memory / 8, 4096 * mebibyte), 8192 * mebibyte)
        let bytes = wiredLimit > 0 ? wiredLimit * mebibyte : memory / 4 * 3
        return MemoryLimit(
            bytes: Double(bytes), kind: .unified(raisableMebibytes: max(0, memory - reserve) / mebibyte))
    }

    package func verdict(_ gigabytes: Double) -> MemoryMath.Verdict {
        if gigabytes * 1e9 <= bytes { return .fits }
        if case .unified(let raisable) = kind, gigabytes * 1e9 <= Double(raisable) * 1_048_576 {
            return .fitsWithLimit(mebibytes: raisable)
        }
        return .tooBig
    }

    package var description: String {
        let size = "\(ByteCount.oneDecimal(bytes / 1e9)) GB"
        return switch kind {
        case .unified: "the GPU may use \(size)"
        case .graphics: "the graphics memory is \(size)"
        case .system: "this machine has \(size)"
        }
    }
}
