extension Phrase {
    /// Words of somebody who wants to think before anything is changed.
    package static let plan: [Phrase] = [
        "plan", "design", "architect|architecture", "approach", "trade-off|tradeoff", "should we", "how would you|we",
        "what would you", "explain why", "reason about", "think through|step|hard|carefully",
        "compare options|approaches", "review the|this|my architecture|design|approach|plan", "brainstorm", "outline",
        "summarise|summarize", "root cause", "rootcause", "migrate", "port to",
    ]

    /// Words of somebody who wants code changed or run.
    package static let agent: [Phrase] = [
        "implement", "fix [this|the|a|my] bug|issue|error|test",
        "write [a|the|some] function|class|test|script|module|method",
        "add [a|the] function|class|method|test|file|endpoint",
        "create [a|the] function|class|file|component|endpoint", "refactor", "edit", "patch", "generate code", "debug",
        "trace", "run test|tests", "build it|this", "compile",
    ]
}
