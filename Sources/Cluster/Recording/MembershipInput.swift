/// What ``Membership`` is told, as a value: what a router is fed can be kept and fed to it again.
package enum MembershipInput: Equatable, Sendable, Codable {
    /// With the TXT record as it came.
    case sighted(Lead, [Place], txt: [String])
    case lost(Lead)
    case named(Place)
    case remembered(NodeID, [Place])
    case described(Lead, NodeDescription, Place)
    case changed(Lead, NodeChange)
    case ping(Lead)
    /// Its stream, and why: whether only because nothing came of it.
    case ended(Lead, String, isSilence: Bool)
    case spoke(Lead, version: Int, NodeID)
    case probed(Lead, answered: Bool)
    case tick
}

extension Membership {
    /// - Parameter now: seconds of the caller's clock.
    package mutating func take(_ input: MembershipInput, at now: Double) -> [Action] {
        switch input {
        case .sighted(let lead, let places, let txt): sighted(lead, at: places, Advertisement.read(txt))
        case .lost(let lead): lost(lead)
        case .named(let place): named(place)
        case .remembered(let node, let places): remembered(node, at: places)
        case .described(let lead, let description, let place): described(lead, description, from: place, at: now)
        case .changed(let lead, let change): changed(lead, change, at: now)
        case .ping(let lead): pinged(lead, at: now)
        case .ended(let lead, let reason, let isSilence):
            streamEnded(lead, reason, isSilence: isSilence, at: now)
        case .spoke(let lead, let version, let node): spoke(lead, version: version, node, at: now)
        case .probed(let lead, let answered): probed(lead, answered: answered, at: now)
        case .tick: tick(at: now)
        }
    }
}
