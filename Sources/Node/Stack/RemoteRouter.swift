import Cluster

/// What another host's router makes of a GET of its `/models.ini`: the health check of a thin client.
package enum RemoteRouter: Equatable, Sendable {
    case serves
    /// Something is there, but it sent no models.ini: another program, or a router without one.
    case answers(String)
    case silent

    /// Both count: status 200, and a body that reads as a models.ini with something in it.
    package init(_ reply: Probe.Reply?) {
        guard let reply else {
            self = .silent
            return
        }
        guard reply.status == 200 else {
            self = .answers("answers \(reply.status)")
            return
        }
        let text = String(validating: reply.body, as: UTF8.self)
        let catalog = text.flatMap { try? Catalog.parse($0, file: "models.ini") }
        let isFilled = catalog.map { !$0.sections.isEmpty } ?? false
        self = isFilled ? .serves : .answers("sends something that is no models.ini")
    }

    /// What is wrong, to be put after the router's name; nil when nothing is.
    package var trouble: String? {
        switch self {
        case .serves: nil
        case .answers(let what): what
        case .silent: "does not answer"
        }
    }
}
