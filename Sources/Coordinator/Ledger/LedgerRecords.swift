package import Cluster

/// Something for the ledger to keep. Times are seconds since 1970; none of it holds a prompt.
package enum LedgerEntry: Equatable, Sendable {
    /// Takes the place of what was known of the node.
    case node(NodeRecord)
    case health(HealthRecord)
    /// Takes the place of what was known of the tier on that node, in what it speaks of.
    case rates(RateRecord)
    case placement(PlacementRecord)
    case audit(AuditRecord)
}

/// A node, and where it was reached.
package struct NodeRecord: Equatable, Sendable {
    package var id: NodeID
    package var cluster: ClusterID
    package var name: String
    /// The one that answered, then the others. Link-local ones are not kept; where no other is left, those that were
    /// known stay.
    package var places: [Place]
    /// What the ledger has already is kept.
    package var firstSeen: Double
    package var lastSeen: Double
    /// Of llmstack.
    package var version: String
    package var platform: String
    /// nil where models run on the processor alone.
    package var accelerator: String?
    /// Bytes that models may fill.
    package var modelMemory: UInt64

    package init(
        id: NodeID, cluster: ClusterID, name: String, places: [Place], firstSeen: Double? = nil, lastSeen: Double,
        version: String = "", platform: String = "", accelerator: String? = nil, modelMemory: UInt64 = 0
    ) {
        self.id = id
        self.cluster = cluster
        self.name = name
        self.places = places
        self.firstSeen = firstSeen ?? lastSeen
        self.lastSeen = lastSeen
        self.version = version
        self.platform = platform
        self.accelerator = accelerator
        self.modelMemory = modelMemory
    }
}

/// A node's health changed.
package struct HealthRecord: Equatable, Sendable {
    package var time: Double
    package var node: NodeID
    package var name: String
    /// ``Membership/Health`` in a word; `new` for a node that was no member, `gone` for one that is none any more.
    package var from: String
    package var to: String
    package var evidence: String

    package init(time: Double, node: NodeID, name: String, from: String, to: String, evidence: String) {
        self.time = time
        self.node = node
        self.name = name
        self.from = from
        self.to = to
        self.evidence = evidence
    }
}

/// How fast a node serves a tier: what it tells of that, and what its replies have taught. What a record says nothing of
/// stays as it was known.
package struct RateRecord: Equatable, Sendable {
    package var node: NodeID
    package var tier: String
    package var speed: TierSpeed
    package var lessons: TierLessons
    package var updated: Double

    package init(
        node: NodeID, tier: String, speed: TierSpeed = TierSpeed(), lessons: TierLessons = TierLessons(),
        updated: Double
    ) {
        self.node = node
        self.tier = tier
        self.speed = speed
        self.lessons = lessons
        self.updated = updated
    }
}

/// A request that was placed on a node, what that was expected to cost, and what came of it. A request that was tried on
/// two nodes has two records.
package struct PlacementRecord: Equatable, Sendable {
    package enum Outcome: String, Equatable, Sendable {
        /// The reply came to its end.
        case served
        /// The node, or the router itself, would not take it.
        case refused
        /// The node was lost, or answered with an error of its own.
        case failed
        /// The client was gone first.
        case left
        /// The request was taken to another node before it had a reply of this one.
        case moved
    }

    /// When it was placed.
    package var time: Double
    /// Names the request; its attempts share it.
    package var request: String
    /// Empty where clients have no names.
    package var client: String
    /// `auto`, or the model asked for.
    package var asked: String
    package var tier: String
    package var node: NodeID
    package var name: String
    /// Why this tier, and why this node.
    package var reason: String
    /// From 1.
    package var attempt: Int
    /// Estimated.
    package var promptTokens: Int
    /// The terms of the cost, in seconds; nil where placement had none.
    package var predictedFirstToken: Double?
    package var queue: Double?
    package var load: Double?
    package var prefill: Double?
    package var decode: Double?
    package var network: Double?
    /// Seconds from placement to the first token; nil where none was seen.
    package var observedFirstToken: Double?
    /// Seconds from placement to the end.
    package var total: Double?
    /// Of HTTP; 0 where there was none.
    package var status: Int
    package var outcome: Outcome

    package init(
        time: Double, request: String, client: String = "", asked: String, tier: String, node: NodeID, name: String,
        reason: String = "", attempt: Int = 1, promptTokens: Int = 0, predictedFirstToken: Double? = nil,
        queue: Double? = nil, load: Double? = nil, prefill: Double? = nil, decode: Double? = nil,
        network: Double? = nil, observedFirstToken: Double? = nil, total: Double? = nil, status: Int = 0,
        outcome: Outcome
    ) {
        self.time = time
        self.request = request
        self.client = client
        self.asked = asked
        self.tier = tier
        self.node = node
        self.name = name
        self.reason = reason
        self.attempt = attempt
        self.promptTokens = promptTokens
        self.predictedFirstToken = predictedFirstToken
        self.queue = queue
        self.load = load
        self.prefill = prefill
        self.decode = decode
        self.network = network
        self.observedFirstToken = observedFirstToken
        self.total = total
        self.status = status
        self.outcome = outcome
    }
}
