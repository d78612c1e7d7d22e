import Foundation
package import Wire

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

    /// What a gateway says of itself; nil where none answers.
    package func gateway(_ endpoints: Endpoints) async -> GatewayReport? {
        guard let reply = await reply(endpoints.base(.router) + GatewayReport.path), reply.status == 200 else {
            return nil
        }
        return try? JSONDecoder().decode(GatewayReport.self, from: Data(reply.body))
    }
}
