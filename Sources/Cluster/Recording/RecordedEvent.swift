/// The first line of a record.
package struct RecordHeader: Equatable, Sendable, Codable {
    /// Of the lines after it. Another number is another format.
    package static let version = 4

    package var llmstackRecord: Int
    /// Seconds since 1970.
    package var time: Double

    package init(time: Double) {
        llmstackRecord = Self.version
        self.time = time
    }

    enum CodingKeys: String, CodingKey {
        case llmstackRecord = "llmstack_record"
        case time
    }
}

/// A line of a record: something that a router's deciding machines were fed, and what they decided.
package struct RecordedEvent: Sendable, Codable {
    /// Seconds of a monotonic clock: that of the membership's monitor or that of placement.
    package var at: Double
    package var what: What

    package init(_ what: What, at: Double) {
        self.what = what
        self.at = at
    }

    package enum What: Sendable, Codable {
        // MARK: Membership

        /// All that is known at this moment; `time` is in seconds since 1970.
        case membership(Membership, time: Double)
        case input(MembershipInput, then: [Membership.Action])

        // MARK: Fleet

        case fleet(Fleet, time: Double)
        /// Of the router's own host.
        case own(NodeDescription)
        case ownChange(NodeChange)
        /// The member as the membership has it now, or that it is none any more.
        case told(NodeID)
        case match(NodeSection.Match)
        case remember(NodeID, tier: String, TierSpeed, TierLessons, name: String?)
        case terms(RoutingTerms)
        /// With terms where the ladder was asked; in a file only where they are others than before.
        ///
        /// isSent: whether the request is counted at the host that was chosen.
        case choice(PlacementQuestion, RoutingTerms?, PlacementChoice, isSent: Bool)
        case sent(tier: String, NodeID)
        /// A request leaves the host that it waits at for another; hosts that it has been to before.
        case withdrawal(String, Workload, from: NodeID, except: [NodeID], to: NodeID)
        case ended(tier: String, NodeID, Fleet.Outcome, isOut: Bool)

        // MARK: The record itself

        /// So many events had no room. What follows can be replayed from the next ``membership(_:time:)`` on.
        case missing(Int)
    }
}
