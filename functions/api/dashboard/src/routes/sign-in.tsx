import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useEffect, useState } from "react";
import { Navigate, useLocation, useNavigate } from "react-router";
import { useMe, useSignIn } from "../api/session";
import { ProblemNote } from "../components/Empty";
import { Mark } from "../components/Shell";
import classes from "./sign-in.module.css";

export default function SignIn() {
  const me = useMe();
  const signIn = useSignIn();
  const navigate = useNavigate();
  const location = useLocation();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const state = location.state as { back?: string } | null;
  const back = state?.back?.startsWith("/") ? state.back : "/";
  useEffect(() => {
    document.title = "Sign in · Rostrum";
  }, []);
  if (me.data && !signIn.isPending) return <Navigate to={back} replace />;

  const submit = (event: React.SyntheticEvent) => {
    event.preventDefault();
    signIn.mutate(
      { email: email.trim(), password },
      { onSuccess: () => void navigate(back, { replace: true }) },
    );
  };
  return (
    <main className={classes.page}>
      <div className={classes.card}>
        <div className={classes.brand}>
          <Mark />
          <span>Rostrum</span>
        </div>
        <h1>Sign in</h1>
        <p className="muted">Drafts, approvals and what goes out next.</p>
        <form onSubmit={submit} className={classes.form}>
          <TextInput
            label="Email"
            type="email"
            name="email"
            autoComplete="username"
            autoFocus
            required
            withAsterisk={false}
            value={email}
            onChange={(e) => setEmail(e.currentTarget.value)}
          />
          <PasswordInput
            label="Password"
            name="password"
            autoComplete="current-password"
            required
            withAsterisk={false}
            value={password}
            onChange={(e) => setPassword(e.currentTarget.value)}
          />
          <div aria-live="polite">{signIn.isError && <ProblemNote error={signIn.error} compact />}</div>
          <Button type="submit" fullWidth loading={signIn.isPending}>
            Sign in
          </Button>
        </form>
      </div>
      <p className={classes.foot}>
        Running on your own machine? The start screen in the terminal shows the sign-in.
      </p>
    </main>
  );
}
