//! Many questions, answered by one model of a server.

use forethought_endpoint::{Endpoint, Fault, News, Stopped};

use crate::answer::Answer;
use crate::error::RemoteError;
use crate::server::{Api, RolloutServer};
use crate::{llama_cpp, vllm};

/// A prompt that is completed once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Its token ids.
    pub prompt: Vec<u32>,
    /// What the server draws by. The same seed need not give the same completion: a server that answers several questions
    /// at once rounds differently each time.
    pub seed: u32,
}

/// Takes each answer as it comes, with the place of its question; an error ends the work.
pub type Taken<'a> = &'a mut dyn FnMut(usize, &Answer) -> Result<(), String>;

impl RolloutServer {
    /// Has every question answered by the model or adapter of this name, as many at once as the settings allow. One answer
    /// for each question, in their order.
    ///
    /// Where `stop` says so, the work ends at once: requests that are under way are left to themselves.
    ///
    /// # Errors
    ///
    /// If a fault does not pass, an answer is none that can be learnt from, or the work is stopped.
    pub fn ask(
        &self,
        model: &str,
        questions: Vec<Question>,
        stop: &dyn Fn() -> bool,
        taken: Taken<'_>,
    ) -> Result<Vec<Answer>, RemoteError> {
        let url = self.completions_url();
        let mut answers: Vec<Option<Answer>> = vec![None; questions.len()];
        let places = (0..questions.len()).collect();
        let asking = self.http.ask(places, self.seed, self.try_once(model, questions));
        let mut failure = None;
        while let Some(news) = asking.news(stop).map_err(|Stopped| RemoteError::Cancelled)? {
            match self.take(news, model, taken) {
                Ok(Some((place, answer))) => answers[place] = Some(answer),
                Ok(None) => {}
                // Answers that were under way still come in and are handed over.
                Err(error) => {
                    asking.end();
                    failure.get_or_insert(error);
                }
            }
        }
        failure.map_or(Ok(()), Err)?;
        match answers.iter().position(Option::is_none) {
            Some(question) => {
                let message = "it never came".to_owned();
                Err(RemoteError::Answer { url, question, message })
            }
            None => Ok(answers.into_iter().flatten().collect()),
        }
    }

    /// The answer that is reported, checked and handed over.
    fn take(
        &self,
        news: News<Answer>,
        model: &str,
        taken: Taken<'_>,
    ) -> Result<Option<(usize, Answer)>, RemoteError> {
        let url = self.completions_url();
        let wrong = |question, message| RemoteError::Answer { url: url.clone(), question, message };
        match news {
            News::Retried => Ok(None),
            News::Answered(place, answer) => {
                answer
                    .check(self.drawing.max_new_tokens, self.vocab_size)
                    .map_err(|message| wrong(place, message))?;
                taken(place, &answer).map_err(RemoteError::Keeping)?;
                Ok(Some((place, answer)))
            }
            News::Refused(place, message) => Err(wrong(place, format!("refused: {message}"))),
            News::Missing(_, message) => {
                Err(RemoteError::NoModel { url, model: model.to_owned(), message })
            }
            News::Failed(message) => Err(RemoteError::Server { url, message }),
        }
    }

    /// Asks one question once, by its place.
    fn try_once(
        &self,
        model: &str,
        questions: Vec<Question>,
    ) -> impl Fn(&Endpoint, usize) -> Result<Answer, Fault> + Send + Sync + use<> {
        let (api, url, model) = (self.api, self.completions_url(), model.to_owned());
        let drawing = self.drawing.clone();
        move |http, place| {
            let Question { prompt, seed } = &questions[place];
            match api {
                Api::Vllm => {
                    let body = vllm::request(&model, prompt, *seed, &drawing, 0);
                    vllm::answer(&http.post(&url, &body)?, prompt)
                }
                Api::LlamaCpp => {
                    let body = llama_cpp::request(prompt, *seed, &drawing);
                    llama_cpp::answer(&http.post(&url, &body)?, prompt)
                }
            }
        }
    }

    pub(crate) fn completions_url(&self) -> String {
        match self.api {
            Api::Vllm => self.http.address("/completions"),
            Api::LlamaCpp => self.http.root_address("/completion"),
        }
    }
}
