/// One HTTP GET with a time limit. The network as far as starting and watching daemons needs it.
package struct Probe: Sendable {
    package typealias Reply = (status: Int, body: [UInt8])

    private let get: @Sendable (_ url: String, _ timeout: Duration) async throws -> Reply

    package init(get: @escaping @Sendable (_ url: String, _ timeout: Duration) async throws -> Reply) {
        self.get = get
    }

    /// - Returns: nil when nobody answered in time, or not in HTTP.
    package func reply(_ url: String, timeout: Duration = .seconds(2)) async -> Reply? {
        try? await get(url, timeout)
    }
}
