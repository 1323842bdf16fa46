// Modules with a forward function: call runs it between the hooks.
namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public interface IModule<T, TResult>
        {
            TResult call(T input1);
        }

        public interface IModule<T1, T2, TResult>
        {
            TResult call(T1 input1, T2 input2);
        }

        public interface IModule<T1, T2, T3, TResult>
        {
            TResult call(T1 input1, T2 input2, T3 input3);
        }

        /// <summary>
        /// Functions around forward, in the order of their registration; those that take only the module stand outermost.
        /// </summary>
        public class HookableModule<TPreHook, TPostHook> : Module
        {
            private readonly List<(string Key, object Hook)> before = [], after = [];
            private readonly List<(string Key, Action<Module> Hook)> outerBefore = [], outerAfter = [];
            private int registered;

            protected HookableModule(string name) : base(name) { }

            public HookRemover register_forward_hook(TPostHook hook) => Add(after, hook);

            public HookRemover register_forward_pre_hook(TPreHook hook) => Add(before, hook);

            public HookRemover register_forward_hook(Action<Module> hook) => Add(outerAfter, hook);

            public HookRemover register_forward_pre_hook(Action<Module> hook) => Add(outerBefore, hook);

            private HookRemover Add<T>(List<(string, T)> hooks, T hook)
            {
                string key = (registered++).ToString();
                hooks.Add((key, hook));
                return new HookRemover(this, key);
            }

            private protected bool HasHooks => before.Count + after.Count + outerBefore.Count + outerAfter.Count > 0;

            private protected IEnumerable<TPreHook> BeforeForward()
            {
                foreach (var (_, hook) in outerBefore.ToArray()) hook(this);
                return before.Select(pair => (TPreHook)pair.Hook).ToArray();
            }

            private protected IEnumerable<TPostHook> AfterForward() => after.Select(pair => (TPostHook)pair.Hook).ToArray();

            private protected TResult Finish<TResult>(TResult result)
            {
                foreach (var (_, hook) in outerAfter.ToArray()) hook(this);
                return result;
            }

            public class HookRemover
            {
                private readonly HookableModule<TPreHook, TPostHook> module;
                private readonly string key;

                public HookRemover(HookableModule<TPreHook, TPostHook> module, string key) => (this.module, this.key) = (module, key);

                public void remove()
                {
                    module.before.RemoveAll(pair => pair.Key == key);
                    module.after.RemoveAll(pair => pair.Key == key);
                    module.outerBefore.RemoveAll(pair => pair.Key == key);
                    module.outerAfter.RemoveAll(pair => pair.Key == key);
                }
            }
        }

        public abstract class Module<T, TResult> :
            HookableModule<Func<Module<T, TResult>, T, T>, Func<Module<T, TResult>, T, TResult, TResult>>, IModule<T, TResult>
        {
            protected Module(string name) : base(name) { }

            public abstract TResult forward(T input);

            public TResult call(T input)
            {
                if (!HasHooks) return forward(input);
                foreach (var hook in BeforeForward()) input = hook(this, input) is { } changed ? changed : input;
                TResult result = forward(input);
                foreach (var hook in AfterForward()) result = hook(this, input, result) is { } changed ? changed : result;
                return Finish(result);
            }
        }

        public abstract class Module<T1, T2, TResult> :
            HookableModule<Func<Module<T1, T2, TResult>, T1, T2, (T1, T2)?>, Func<Module<T1, T2, TResult>, T1, T2, TResult, TResult>>,
            IModule<T1, T2, TResult>
        {
            protected Module(string name) : base(name) { }

            public abstract TResult forward(T1 input1, T2 input2);

            public TResult call(T1 input1, T2 input2)
            {
                if (!HasHooks) return forward(input1, input2);
                foreach (var hook in BeforeForward()) (input1, input2) = hook(this, input1, input2) ?? (input1, input2);
                TResult result = forward(input1, input2);
                foreach (var hook in AfterForward()) result = hook(this, input1, input2, result) is { } changed ? changed : result;
                return Finish(result);
            }
        }

        public abstract class Module<T1, T2, T3, TResult> :
            HookableModule<
                Func<Module<T1, T2, T3, TResult>, T1, T2, T3, (T1, T2, T3)?>,
                Func<Module<T1, T2, T3, TResult>, T1, T2, T3, TResult, TResult>>,
            IModule<T1, T2, T3, TResult>
        {
            protected Module(string name) : base(name) { }

            public abstract TResult forward(T1 input1, T2 input2, T3 input3);

            public TResult call(T1 input1, T2 input2, T3 input3)
            {
                if (!HasHooks) return forward(input1, input2, input3);
                foreach (var hook in BeforeForward())
                    (input1, input2, input3) = hook(this, input1, input2, input3) ?? (input1, input2, input3);
                TResult result = forward(input1, input2, input3);
                foreach (var hook in AfterForward()) result = hook(this, input1, input2, input3, result) is { } changed ? changed : result;
                return Finish(result);
            }
        }
    }
}
