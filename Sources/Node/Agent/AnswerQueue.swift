import Cluster

/// Answers on their way to requests that wait. They are made under the agent's lock and told outside of it, by one thread
/// at a time: so each request hears them in order, and may call the agent from within.
struct AnswerQueue: Sendable {
    typealias Answer = @Sendable (AdmissionAnswer) -> Void

    /// Of those that wait, by the number of the ticket.
    private var listeners: [UInt64: Answer] = [:]
    private var untold: [AdmissionNews] = []
    private var isBeingTold = false

    /// From now on the ticket's request hears what is added.
    mutating func listen(_ ticket: AdmissionTicket, _ answer: @escaping Answer) { listeners[ticket.number] = answer }

    /// The ticket's request hears nothing more.
    mutating func forget(_ ticket: AdmissionTicket) {
        if !listeners.isEmpty { listeners[ticket.number] = nil }
    }

    /// - Returns: whether the caller is to tell it: to call ``next()`` until that is nil. Otherwise someone is at it.
    mutating func add(_ news: [AdmissionNews]) -> Bool {
        untold += news
        guard !isBeingTold, !untold.isEmpty else { return false }
        isBeingTold = true
        return true
    }

    /// What is to be told next, and to whom.
    mutating func next() -> (Answer, AdmissionAnswer)? {
        while !untold.isEmpty {
            let news = untold.removeFirst()
            guard let listener = listeners[news.ticket.number] else { continue }
            if news.answer.isFinal { forget(news.ticket) }
            return (listener, news.answer)
        }
        isBeingTold = false
        return nil
    }
}
