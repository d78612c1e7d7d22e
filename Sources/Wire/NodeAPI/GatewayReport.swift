package import Cluster

/// What a gateway says of itself at `GET /llmstack/v1/gateway`, to this host only.
package struct GatewayReport: Equatable, Sendable, Codable {
    package static let path = "/llmstack/v1/gateway"

    package struct Router: Equatable, Sendable, Codable {
        package enum State: String, Sendable, Codable {
            /// It has shown who it is, and answers.
            case up
            case silent
            /// Not heard of yet.
            case unknown
        }

        package var id: NodeID
        package var name: String
        package var state: State
        /// Where it answered last; nil where it never has.
        package var url: String?
        package var isInUse: Bool
        /// Milliseconds of a whole exchange; nil where it never answered.
        package var roundTrip: Double?

        package init(id: NodeID, name: String, state: State, url: String?, isInUse: Bool, roundTrip: Double?) {
            self.id = id
            self.name = name
            self.state = state
            self.url = url
            self.isInUse = isInUse
            self.roundTrip = roundTrip
        }

        private enum CodingKeys: String, CodingKey {
            case id, name, state, url
            case isInUse = "in_use"
            case roundTrip = "round_trip_ms"
        }
    }

    package var cluster: ClusterIdentity
    package var routers: [Router]
    /// Whether those who answer take this host's key no more: it was revoked.
    package var keyIsRefused: Bool

    package init(cluster: ClusterIdentity, routers: [Router], keyIsRefused: Bool) {
        self.cluster = cluster
        self.routers = routers
        self.keyIsRefused = keyIsRefused
    }

    package var inUse: Router? { routers.first(where: \.isInUse) }

    private enum CodingKeys: String, CodingKey {
        case cluster, routers
        case keyIsRefused = "key_refused"
    }
}
