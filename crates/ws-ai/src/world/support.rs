//! A support desk: tickets are opened, taken, answered, answered back and solved, in this order.

mod issue;

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::data::joined;
use super::fill::{capital, fill};
use super::{Dice, World, cast};
use crate::Draft;
use crate::narrative::{Mood, Narrative, Said};
use issue::{ISSUES, Issue};

pub(super) const WORDS: &[(u32, &[&str])] = &[
    (4, &["support", "helpdesk", "ticket", "callcenter", "hotline", "zendesk"]),
    (2, &["customer", "agent", "complaint", "desk", "help", "service", "incident", "call", "escalation", "queue"]),
    (1, &["issue", "problem", "angry", "refund", "answer", "question", "center", "centre", "case"]),
];

const MOST_OPEN: usize = 10;
const MOST_PENDING: usize = 24;

/// What a ticket waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Assign,
    Ask,
    Tell,
    Fix,
    Confirm,
    Solve,
    Rate,
}

#[derive(Debug)]
struct Ticket {
    id: String,
    customer: String,
    agent: String,
    issue: &'static Issue,
    subject: String,
    step: Step,
    priority: &'static str,
    is_angry: bool,
    has_escalated: bool,
    /// The client's own: nobody else speaks for it.
    is_clients: bool,
    minutes: i64,
    replies: i64,
}

impl Ticket {
    fn status(&self) -> &'static str {
        match self.step {
            Step::Assign | Step::Ask => "open",
            Step::Tell | Step::Fix | Step::Confirm | Step::Solve => "answered",
            Step::Rate => "solved",
        }
    }

    fn draft(&self, kind: &str, more: Value) -> Draft {
        let data = json!({"ticket_id": self.id, "status": self.status()});
        Draft { kind: kind.to_owned(), data: joined(data, more) }
    }

    fn reply(&mut self, from: &str, author: &str, text: &str) -> Draft {
        self.replies += 1;
        let more = json!({"from": from, "author": author, "text": text, "reply": self.replies});
        self.draft("ticket_reply", more)
    }

    fn solved(&self) -> Draft {
        let more = json!({
            "agent": self.agent,
            "resolution": self.issue.resolution,
            "handling_minutes": self.minutes,
            "replies": self.replies,
        });
        self.draft("ticket_solved", more)
    }

    fn values(&self) -> Vec<(&str, &str)> {
        let first = |name: &'_ str| name.split(' ').next().map_or(0, str::len);
        vec![("customer", &self.customer[..first(&self.customer)]), ("agent", &self.agent[..first(&self.agent)])]
    }

    fn said(&self, template: &str, dice: &mut Dice) -> String {
        capital(&fill(template, &self.values(), dice))
    }
}

pub(super) struct Support {
    tickets: Vec<Ticket>,
    customers: Vec<String>,
    agents: Vec<String>,
    deck: Vec<&'static Issue>,
    next_issue: usize,
    next_id: i64,
    wanted: usize,
    angry: bool,
    pending: VecDeque<Draft>,
}

impl Support {
    pub(super) fn new(narrative: &Narrative, dice: &mut Dice) -> Self {
        let by_mood = if narrative.has(Mood::Busy) {
            6
        } else if narrative.has(Mood::Quiet) {
            1
        } else {
            3
        };
        let agents = narrative.count_of(&["agent", "employee", "worker"]).unwrap_or(3).clamp(1, 20);
        let customers = narrative.count_of(&["customer", "user", "client", "caller"]).unwrap_or(12).clamp(1, 50);
        let mut deck: Vec<&'static Issue> = ISSUES.iter().collect();
        dice.shuffle(&mut deck);
        deck.sort_by_key(|issue| !issue.is_about(narrative));
        let customers = cast::full_names(narrative, customers, dice);
        let is_customer = |name: &str| customers.iter().any(|customer| customer.starts_with(name));
        let agents: Vec<String> = dice
            .sample(cast::FIRST_NAMES, cast::FIRST_NAMES.len())
            .into_iter()
            .filter(|name| !is_customer(name))
            .take(agents)
            .map(str::to_owned)
            .collect();
        Self {
            tickets: Vec::new(),
            agents: if agents.is_empty() { vec!["Robin".to_owned()] } else { agents },
            customers,
            deck,
            next_issue: 0,
            next_id: dice.between(1_000, 90_000),
            wanted: narrative.count_of(&["ticket", "case", "call", "complaint"]).unwrap_or(by_mood).clamp(1, MOST_OPEN),
            angry: narrative.has(Mood::Angry),
            pending: VecDeque::new(),
        }
    }

    fn open(&mut self, customer: Option<String>, issue: &'static Issue, said: Option<&str>, dice: &mut Dice) -> Draft {
        self.next_id += dice.between(1, 3);
        let is_angry = self.angry && said.is_none() && dice.chance(75);
        let waiting: Vec<String> = self
            .customers
            .iter()
            .filter(|name| !self.tickets.iter().any(|ticket| ticket.customer == **name))
            .cloned()
            .collect();
        let customer = customer.unwrap_or_else(|| {
            if waiting.is_empty() { self.customers[0].clone() } else { dice.pick(&waiting).clone() }
        });
        let priority = if is_angry { "high" } else { dice.weighted(&[(5, "normal"), (3, "low"), (2, "high")]) };
        let mut ticket = Ticket {
            id: format!("T-{}", self.next_id),
            customer,
            agent: dice.pick(&self.agents).clone(),
            issue,
            subject: String::new(),
            step: Step::Assign,
            priority,
            is_angry,
            has_escalated: false,
            is_clients: said.is_some(),
            minutes: 0,
            replies: 0,
        };
        ticket.subject = ticket.said(issue.subject, dice);
        let mut text = match said {
            Some(said) => said.to_owned(),
            None => ticket.said(issue.report, dice),
        };
        if is_angry {
            let anger = [
                " This is the {second|third} time!",
                " I expect an answer today.",
                " Honestly, this is not acceptable.",
            ];
            text.push_str(&fill(anger[dice.place(anger.len())], &[], dice));
        }
        let channel = if said.is_some() {
            "chat"
        } else {
            dice.weighted(&[(4, "email"), (3, "chat"), (2, "phone"), (1, "web_form")])
        };
        let more = json!({
            "customer": ticket.customer, "subject": ticket.subject, "priority": priority, "channel": channel, "text": text,
        });
        let draft = ticket.draft("ticket_opened", more);
        self.tickets.push(ticket);
        draft
    }

    fn advance(&mut self, at: usize, dice: &mut Dice) -> Draft {
        let ticket = &mut self.tickets[at];
        ticket.minutes += dice.between(2, 25);
        if ticket.is_angry
            && !ticket.has_escalated
            && matches!(ticket.step, Step::Tell | Step::Confirm)
            && dice.chance(30)
        {
            ticket.has_escalated = true;
            ticket.priority = "urgent";
            return ticket.draft(
                "ticket_escalated",
                json!({"priority": "urgent", "waiting_minutes": ticket.minutes, "agent": ticket.agent}),
            );
        }
        let issue = ticket.issue;
        let (agent, customer) = (ticket.agent.clone(), ticket.customer.clone());
        match ticket.step {
            Step::Assign => {
                ticket.step = Step::Ask;
                let more =
                    json!({"agent": ticket.agent, "priority": ticket.priority, "waiting_minutes": ticket.minutes});
                ticket.draft("ticket_assigned", more)
            }
            Step::Ask => {
                ticket.step = Step::Tell;
                let text = ticket.said(issue.question, dice);
                let sorry = if ticket.is_angry { "I am sorry for the trouble. " } else { "" };
                let text = format!("{}{sorry}{text}", ticket.said("{Hello|Hi} {customer}! ", dice));
                ticket.reply("agent", &agent, &text)
            }
            Step::Tell => {
                ticket.step = Step::Fix;
                let text = ticket.said(issue.detail, dice);
                ticket.reply("customer", &customer, &text)
            }
            Step::Fix => {
                ticket.step = Step::Confirm;
                let text = ticket.said(issue.fix, dice);
                ticket.reply("agent", &agent, &text)
            }
            // Whoever is there answers, or has nothing more to ask.
            Step::Confirm if ticket.is_clients => {
                ticket.step = Step::Rate;
                ticket.solved()
            }
            Step::Confirm => {
                ticket.step = Step::Solve;
                let text = if ticket.is_angry {
                    ticket.said("{finally. it works now|ok, it works. next time please be faster|that helped. thank you {agent}}", dice)
                } else {
                    ticket.said(issue.thanks, dice)
                };
                ticket.reply("customer", &customer, &text)
            }
            Step::Solve => {
                ticket.step = Step::Rate;
                ticket.solved()
            }
            Step::Rate => {
                let ticket = self.tickets.remove(at);
                if ticket.is_clients {
                    return ticket.draft("ticket_closed", json!({"customer": ticket.customer, "agent": ticket.agent}));
                }
                let stars = if ticket.is_angry { dice.between(1, 3) } else { dice.between(3, 5) };
                ticket.draft(
                    "ticket_rated",
                    json!({"customer": ticket.customer, "agent": ticket.agent, "rating_stars": stars}),
                )
            }
        }
    }
}

impl World for Support {
    fn next(&mut self, dice: &mut Dice) -> Draft {
        if let Some(draft) = self.pending.pop_front() {
            return draft;
        }
        if self.tickets.is_empty() || (self.tickets.len() < self.wanted && dice.chance(28)) {
            let issue = self.deck[self.next_issue % self.deck.len()];
            self.next_issue += 1;
            return self.open(None, issue, None, dice);
        }
        let length = self.tickets.len();
        // The older ones first: every ticket comes to its end.
        let at = dice.place(length).min(dice.place(length));
        self.advance(at, dice)
    }

    fn hear(&mut self, said: &Said, dice: &mut Dice) {
        let line = said.line();
        if line.is_empty() || self.pending.len() + 3 > MOST_PENDING {
            return;
        }
        let narrative = said.narrative();
        for mood in narrative.moods() {
            match mood {
                Mood::Busy => self.wanted = 6,
                Mood::Quiet => self.wanted = 1,
                Mood::Angry => self.angry = true,
                Mood::Happy | Mood::Normal => self.angry = false,
                _ => {}
            }
        }
        let customer = said.speaker().unwrap_or_else(|| "Guest".to_owned());
        // Who has a ticket goes on with it.
        let field = said.field(&["ticket_id", "ticket"]);
        let named = |ticket: &Ticket| {
            field.as_deref() == Some(ticket.id.as_str())
                || narrative.lower_words().any(|word| word == ticket.id.to_lowercase())
                || ticket.customer == customer
        };
        let text: String = line.chars().filter(|c| !c.is_control()).take(280).collect();
        if let Some(at) = self.tickets.iter().position(named) {
            let ticket = &mut self.tickets[at];
            let thanks = narrative.says(&["thanks", "thank", "works", "solved", "perfect"]);
            if ticket.step == Step::Rate && !thanks {
                ticket.step = Step::Confirm;
                self.pending.push_back(ticket.draft("ticket_reopened", json!({"customer": customer})));
            }
            let reply = ticket.reply("customer", &customer, &text);
            self.pending.push_back(reply);
            let agent = ticket.agent.clone();
            let answer = if thanks {
                if ticket.step != Step::Rate {
                    ticket.step = Step::Solve;
                }
                ticket.said("glad to hear that, {customer}! {I close this now|is there anything else?}", dice)
            } else {
                let issue = issue::about(narrative).unwrap_or(ticket.issue);
                ticket.step = Step::Confirm;
                ticket.said(issue.to(&line), dice)
            };
            let answer = ticket.reply("agent", &agent, &answer);
            self.pending.push_back(answer);
        } else if self.tickets.len() < MOST_OPEN {
            let issue = issue::about(narrative);
            let opened = self.open(Some(customer), issue.unwrap_or(&issue::UNKNOWN), Some(&text), dice);
            self.pending.push_back(opened);
            let at = self.tickets.len() - 1;
            let assigned = self.advance(at, dice);
            self.pending.push_back(assigned);
            let ticket = &mut self.tickets[at];
            let agent = ticket.agent.clone();
            ticket.step = Step::Confirm;
            let hello = ticket.said("{Hello|Hi} {customer}! ", dice);
            let text = ticket.said(ticket.issue.to(&line), dice);
            let answer = ticket.reply("agent", &agent, &format!("{hello}{text}"));
            self.pending.push_back(answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::testing::{begun, dice, events, hear};
    use super::*;

    #[test]
    fn tickets_move_from_open_over_answered_to_solved() {
        let rank = |status: &str| ["open", "answered", "solved"].iter().position(|known| *known == status).unwrap();
        let mut solved = 0;
        for seed in 0..40 {
            let narrative =
                ["support desk", "busy helpdesk with angry customers", "2 tickets", "quiet support"][seed as usize % 4];
            let mut tickets: HashMap<String, usize> = HashMap::new();
            for draft in events::<Support>(narrative, seed, 600) {
                let data = &draft.data;
                let id = data["ticket_id"].as_str().unwrap().to_owned();
                let now = rank(data["status"].as_str().unwrap());
                match tickets.get(&id) {
                    None => assert_eq!(draft.kind, "ticket_opened"),
                    Some(before) => assert!(*before <= now, "{data}"),
                }
                if let Some(text) = data["text"].as_str() {
                    assert!(!text.is_empty() && !text.contains(['{', '}', '|']), "{text}");
                }
                solved += i32::from(draft.kind == "ticket_solved");
                tickets.insert(id, now);
            }
        }
        assert!(solved > 100, "{solved}");
    }

    #[test]
    fn a_question_gets_an_answer_that_fits() {
        for seed in 0..20 {
            let mut dice = dice(seed);
            let mut world = begun::<Support>("support", &mut dice);
            (0..10).for_each(|_| drop(world.next(&mut dice)));
            hear(&mut world, r#"{"user": "Zoe", "text": "How can I reset my password?"}"#, &mut dice);
            let opened = world.next(&mut dice);
            assert_eq!((opened.kind.as_str(), &opened.data["customer"]), ("ticket_opened", &json!("Zoe")));
            assert_eq!(world.next(&mut dice).kind, "ticket_assigned");
            let answer = world.next(&mut dice);
            assert_eq!(answer.data["ticket_id"], opened.data["ticket_id"]);
            let text = answer.data["text"].as_str().unwrap();
            assert!(text.contains("Zoe") && text.contains("password"), "{text}");
            hear(&mut world, r#"{"user": "Zoe", "text": "thanks, that works"}"#, &mut dice);
            assert_eq!(world.next(&mut dice).data["from"], "customer");
            assert_eq!(world.next(&mut dice).data["from"], "agent");
            let solved = (0..80)
                .map(|_| world.next(&mut dice))
                .find(|draft| draft.kind == "ticket_solved" && draft.data["ticket_id"] == opened.data["ticket_id"]);
            assert!(solved.is_some());
            // A solved ticket stays solved for thanks, and is reopened for more.
            hear(&mut world, r#"{"user": "Zoe", "text": "thanks again"}"#, &mut dice);
            assert_eq!(world.next(&mut dice).data["status"], "solved");
            hear(&mut world, r#"{"user": "Zoe", "text": "the app crashes again"}"#, &mut dice);
            assert_eq!(world.next(&mut dice).data["from"], "agent");
            assert_eq!(world.next(&mut dice).kind, "ticket_reopened");
            assert_eq!(world.next(&mut dice).data["status"], "answered");
        }
    }
}
