import Cluster
import Foundation
import Synchronization
import Wire

/// Finds a node among the places where it may be, and reads its events stream there.
struct NodeFollower: Sendable {
    enum Heard: Sendable {
        case described(NodeDescription, Place)
        case changed(NodeChange)
        case ping
    }

    let places: [Place]
    /// Who must answer; nil takes whoever does.
    let expected: NodeID?
    let transport: ClusterTransport

    /// How long a place may take to answer.
    static let patience = Duration.seconds(1)
    /// Until the next place is tried beside the one before (RFC 8305, section 5).
    private static let stagger = Duration.milliseconds(250)

    struct Failure: Error, CustomStringConvertible {
        let description: String
        /// Of the protocol, and who speaks it: set where that is what is wrong.
        var newer: (version: Int, node: NodeID)?
        /// Whether nothing more is known than that nobody answered in time.
        var isSilence = false

        init(_ description: String, newer: (version: Int, node: NodeID)? = nil, isSilence: Bool = false) {
            self.description = description
            self.newer = newer
            self.isSilence = isSilence
        }

        init(_ error: any Error) {
            switch error {
            case let failure as Failure: self = failure
            case EventStreamClient.Failure.timedOut: self.init("\(error)", isSilence: true)
            case let failure as HTTPProbe.Failure: self.init("\(failure)", isSilence: failure.isTimeout)
            default: self.init("\(error)")
            }
        }
    }

    /// - Parameter heard: while it takes its time, the node is not read.
    /// - Throws: when the node is at none of the places, or when the stream ends; the error says why.
    func run(_ heard: @Sendable (Heard) async -> Void) async throws {
        let (place, id) = try await find()
        let events = EventStreamClient(
            endpoint: transport.endpoint(place, id), path: "/llmstack/v1/events", timeout: Self.patience)
        let decoder = JSONDecoder()
        for try await event in events.events() {
            switch event.name {
            case "state":
                let description = try decoder.decode(NodeDescription.self, from: Data(event.data.utf8))
                guard let sane = description.sanitised else { throw Failure("it does not say which node it is") }
                await heard(.described(sane, place))
            case "change":
                let change = try decoder.decode(NodeChange.self, from: Data(event.data.utf8))
                await heard(.changed(change.sanitised))
            case "ping": await heard(.ping)
            default: break
            }
            try Task.checkCancellation()
            if transport.refuses(id) { throw Failure("it was revoked") }
        }
        throw Failure("it closed the connection")
    }

    /// The first place at which the node answers.
    private func find() async throws -> (Place, NodeID) {
        try await withThrowingTaskGroup(of: Result<(Place, NodeID), Failure>.self) { group in
            for (index, place) in places.enumerated() {
                group.addTask {
                    try await Task.sleep(for: Self.stagger * index)
                    return await look(place)
                }
            }
            var failure = Failure("it has no address")
            for try await result in group {
                switch result {
                case .success(let found):
                    group.cancelAll()
                    return found
                case .failure(let reason): failure = reason
                }
            }
            throw failure
        }
    }

    private func look(_ place: Place) async -> Result<(Place, NodeID), Failure> {
        do {
            let id = try await Self.identity(of: place, transport, expected)
            guard let expected, id != expected else { return .success((place, id)) }
            return .failure(Failure("another node (\(id)) answers at \(place.host):\(place.port)"))
        } catch {
            return .failure(Failure(error))
        }
    }

    /// Whether it answers on one of several fresh connections, tried one after the other beside each other: where packets are
    /// lost, every third one is not made within a second.
    static func answers(at place: Place, _ transport: ClusterTransport) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            for index in 0..<probes {
                group.addTask {
                    let late = probeStagger * index
                    try? await Task.sleep(for: late)
                    return (try? await identity(of: place, transport, nil, within: patience - late)) != nil
                }
            }
            for await answered in group where answered {
                group.cancelAll()
                return true
            }
            return false
        }
    }

    private static let probes = 5
    private static let probeStagger = Duration.milliseconds(150)

    /// Who answers at a place. In a cluster with keys its certificate must say the same.
    static func identity(
        of place: Place, _ transport: ClusterTransport, _ expected: NodeID?, within patience: Duration = patience
    ) async throws -> NodeID {
        struct Answer: Decodable {
            var id: NodeID
            var `protocol`: Int
        }
        let reply = try await HTTPProbe.ask(
            "GET", at: transport.endpoint(place, expected), path: "/llmstack/v1/node", timeout: patience)
        guard reply.status == 200, let answer = try? JSONDecoder().decode(Answer.self, from: Data(reply.body)),
            Advertisement.isIdentifier(answer.id.description)
        else {
            throw Failure("what answers at \(place.host):\(place.port) is no llmstack node")
        }
        guard answer.protocol == Advertisement.protocolVersion else {
            throw Failure(
                "it speaks version \(answer.protocol) of the protocol", newer: (answer.protocol, answer.id))
        }
        return answer.id
    }
}
