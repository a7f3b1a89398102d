-- One token request again and again; the form is in the environment.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
wrk.body = os.getenv("FORM")

function done(summary)
   local failed = summary.errors
   local lost = failed.connect + failed.read + failed.write + failed.timeout
   print(string.format("answered %d failed %d", summary.requests, failed.status + lost))
end
