import Foundation

/// What llama-swap says of its models (https://github.com/mostlygeek/llama-swap): each `modelStatus` event of
/// `GET /api/events`, and `GET /running`. Neither loads a model.
package struct LlamaSwapReport: Equatable, Sendable {
    /// llama-swap's words for a model's process.
    package enum State: String, Equatable, Sendable {
        case stopped, starting, ready, stopping

        /// `shutdown` is a process that will not be started again; a word of a newer llama-swap counts as nothing
        /// running.
        init(_ word: String) { self = Self(rawValue: word) ?? .stopped }
    }

    /// By model; of `/running`, those that are not stopped.
    package var states: [String: State]
    /// URLs of the models' llama-servers; only `/running` has them.
    package var addresses: [String: String] = [:]

    private struct Envelope: Decodable {
        var type: String
        var data: String
    }

    private struct Model: Decodable {
        var id: String
        var state: String
        /// Not empty for a model of another host.
        var peerID: String?
    }

    private struct Running: Decodable {
        struct Model: Decodable {
            var model: String
            var state: String
            var proxy: String?
        }
        var running: [Model]
    }

    /// Reads an event's data.
    ///
    /// - Returns: nil for what is no `modelStatus`: log lines, requests in flight, activity.
    package init?(event data: String) {
        let decoder = JSONDecoder()
        guard let envelope = try? decoder.decode(Envelope.self, from: Data(data.utf8)), envelope.type == "modelStatus",
            let models = try? decoder.decode([Model].self, from: Data(envelope.data.utf8))
        else { return nil }
        states = [:]
        for model in models where model.peerID ?? "" == "" { states[model.id] = State(model.state) }
    }

    /// Reads the body of `/running`.
    package init?(running body: [UInt8]) {
        guard let reply = try? JSONDecoder().decode(Running.self, from: Data(body)) else { return nil }
        states = [:]
        for model in reply.running {
            states[model.model] = State(model.state)
            addresses[model.model] = model.proxy
        }
    }
}

/// What a llama-server says of its slots: `GET /props`.
package struct LlamaServerSlots: Equatable, Sendable {
    /// Requests that run at once.
    package var count: Int
    /// Tokens of one slot; nil when it does not say.
    package var contextSize: Int?

    package init(count: Int, contextSize: Int?) {
        self.count = count
        self.contextSize = contextSize
    }

    private struct Props: Decodable {
        struct Settings: Decodable {
            var contextSize: Int?

            enum CodingKeys: String, CodingKey { case contextSize = "n_ctx" }
        }
        var slots: Int
        var settings: Settings?

        enum CodingKeys: String, CodingKey {
            case slots = "total_slots"
            case settings = "default_generation_settings"
        }
    }

    /// - Returns: nil when it is something else.
    package init?(props body: [UInt8]) {
        guard let props = try? JSONDecoder().decode(Props.self, from: Data(body)), (1...4096).contains(props.slots)
        else { return nil }
        count = props.slots
        contextSize = props.settings?.contextSize.flatMap { $0 > 0 ? $0 : nil }
    }
}
