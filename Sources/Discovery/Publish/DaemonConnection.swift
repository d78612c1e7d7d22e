/// Decides when to connect to the daemon that answers for the directory, and what to say about it.
package struct DaemonConnection: Sendable {
    package enum Event: Equatable, Sendable {
        /// It answers.
        case answers
        /// The connection stands, the daemon is not there; it will be told when it is.
        case waits
        /// The connection has ended or never stood.
        case failed(Failure)
    }

    package enum Failure: Equatable, Sendable {
        /// Nobody listens where the connection would be made.
        case noBus
        /// The daemon was there and has gone.
        case daemonGone
        /// Whatever else, in the words of the system.
        case other(String)
    }

    package enum Action: Equatable, Sendable {
        /// Ends the connection, if there is one.
        case close
        case open
        case tell(DirectoryEvent)
    }

    /// Between two attempts; short, since a local socket costs nothing and services must be back within seconds.
    private static let pause = Duration.milliseconds(500)

    /// What to tell people when the daemon is not there.
    private let absent: DirectoryEvent
    private let noBus: DirectoryEvent
    private let fix: String
    private var openAt: Duration?
    private var told: DirectoryEvent?

    /// - Parameters:
    ///   - absent: reason and fix where the daemon is not there.
    ///   - noBus: where not even the way to it is.
    package init(absent: (reason: String, fix: String), noBus: (reason: String, fix: String)) {
        self.absent = .unavailable(reason: absent.reason, fix: absent.fix)
        self.noBus = .unavailable(reason: noBus.reason, fix: noBus.fix)
        fix = absent.fix
        openAt = .zero
    }

    /// What the directory's state was said to be; nil: nothing yet.
    package var state: DirectoryEvent? { told }

    package var nextDeadline: Duration? { openAt }

    package mutating func apply(_ event: Event, at now: Duration) -> [Action] {
        switch event {
        case .answers: return tell(.available)
        case .waits: return tell(absent)
        case .failed(let failure):
            // A daemon that has just gone is waited for over a new connection; anything else is tried again later.
            openAt = failure == .daemonGone && told == .available ? now : now + Self.pause
            let event =
                switch failure {
                case .noBus: noBus
                case .daemonGone: absent
                case .other(let reason): DirectoryEvent.unavailable(reason: reason, fix: fix)
                }
            return [.close] + tell(event)
        }
    }

    package mutating func tick(at now: Duration) -> [Action] {
        guard let openAt, openAt <= now else { return [] }
        self.openAt = nil
        return [.open]
    }

    private mutating func tell(_ event: DirectoryEvent) -> [Action] {
        guard told != event else { return [] }
        told = event
        return [.tell(event)]
    }
}
