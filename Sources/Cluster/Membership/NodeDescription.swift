/// A node as it describes itself: the payload of `/llmstack/v1/node`, and what `/llmstack/v1/events` begins with.
package struct NodeDescription: Equatable, Sendable, Codable {
    package var id: NodeID
    /// What people call it.
    package var name: String
    package var cluster: ClusterID
    package var clusterName: String
    /// Of llmstack.
    package var version: String
    /// Of the protocol between nodes: ``Advertisement/protocolVersion``.
    package var protocolVersion: Int
    package var machine: Machine
    /// When this router started: milliseconds since 1970. What was believed of another epoch is void.
    package var epoch: UInt64
    /// Counts the changes since then.
    package var sequence: UInt64
    /// In the order of models.ini.
    package var tiers: [TierReport]
    /// Which tiers llama-swap holds in memory together; any one of these sets.
    package var residentSets: [[String]]
    package var policy: Policy
    package var power: Power

    package struct Machine: Equatable, Sendable, Codable {
        /// `linux/x86_64`, `macos/arm64`.
        package var platform: String
        /// Its name, for people; nil where models run on the processor alone.
        package var accelerator: String?
        /// Bytes that models may fill: the accelerator's, where it has its own.
        package var modelMemory: UInt64
        /// Bytes.
        package var memory: UInt64

        package init(platform: String, accelerator: String?, modelMemory: UInt64, memory: UInt64) {
            self.platform = platform
            self.accelerator = accelerator
            self.modelMemory = modelMemory
            self.memory = memory
        }

        enum CodingKeys: String, CodingKey {
            case platform, accelerator
            case modelMemory = "model_memory_bytes"
            case memory = "memory_bytes"
        }
    }

    /// What the node lends.
    package struct Policy: Equatable, Sendable, Codable {
        /// Names of tiers.
        package var share: [String]
        /// Whether new work of others is taken.
        package var accepting: Bool
        /// Why not, for people; nil when it is.
        package var reason: String?

        package init(share: [String] = [], accepting: Bool = true, reason: String? = nil) {
            self.share = share
            self.accepting = accepting
            self.reason = reason
        }
    }

    package struct Power: Equatable, Sendable, Codable {
        package enum Source: String, Equatable, Sendable, Codable {
            case mains, battery, unknown

            package init(from decoder: any Decoder) throws {
                self = Self(rawValue: try decoder.singleValueContainer().decode(String.self)) ?? .unknown
            }
        }

        package var source: Source
        /// Of the battery, from 0 to 1; nil without one.
        package var level: Double?

        package init(source: Source = .unknown, level: Double? = nil) {
            self.source = source
            self.level = level
        }
    }

    package init(
        id: NodeID, name: String, cluster: ClusterID, clusterName: String, version: String, machine: Machine,
        epoch: UInt64, sequence: UInt64 = 0, tiers: [TierReport] = [], residentSets: [[String]] = [],
        policy: Policy = .init(), power: Power = .init()
    ) {
        self.id = id
        self.name = name
        self.cluster = cluster
        self.clusterName = clusterName
        self.version = version
        self.protocolVersion = Advertisement.protocolVersion
        self.machine = machine
        self.epoch = epoch
        self.sequence = sequence
        self.tiers = tiers
        self.residentSets = residentSets
        self.policy = policy
        self.power = power
    }

    enum CodingKeys: String, CodingKey {
        case id, name, cluster, version, machine, epoch, tiers, policy, power
        case clusterName = "cluster_name"
        case protocolVersion = "protocol"
        case sequence = "seq"
        case residentSets = "resident_sets"
    }

    /// The tiers that others may ask for.
    package var sharedTiers: [String] { tiers.filter(\.shared).map(\.name) }
}
