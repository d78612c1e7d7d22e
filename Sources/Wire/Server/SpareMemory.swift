#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

/// When memory that is free again is to be given back to the system: the allocator keeps all of it for the next time, half a
/// gigabyte after eight of the largest bodies. Levels in, verdicts out.
package struct SpareMemory: Sendable {
    /// Seconds between two looks.
    static let interval = 5
    /// Bytes; less is not worth the work.
    package static let worth = 8 << 20
    /// Bytes that a connection is taken to use, its upstream's included.
    static let perConnection = 16 << 10

    private var peak = 0
    private var wasLow = false

    package init() {}

    /// To be called every ``interval`` or so.
    ///
    /// - Parameter inUse: the most bytes since the last look, as far as they are known.
    /// - Returns: whether much was used, and little has been since the last look: memory that comes and goes is better kept.
    package mutating func look(inUse: Int) -> Bool {
        guard inUse <= peak / 2, peak - inUse >= Self.worth else {
            peak = max(peak, inUse)
            wasLow = false
            return false
        }
        defer { wasLow = !wasLow }
        if wasLow { peak = inUse }
        return wasLow
    }

    /// Takes milliseconds for each 100 MB: not on an event loop.
    static func giveBack() {
        #if canImport(Darwin)
            malloc_zone_pressure_relief(nil, 0)
        #elseif canImport(Glibc)
            // Not in the module map of glibc.
            guard let symbol = dlsym(nil, "malloc_trim") else { return }
            _ = unsafeBitCast(symbol, to: (@convention(c) (Int) -> CInt).self)(0)
        #endif
    }
}
