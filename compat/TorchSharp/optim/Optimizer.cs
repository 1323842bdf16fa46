// What all optimizers share: parameter groups with their options, a state per parameter, and TorchSharp's file format of both
// (type name, number of groups and of states, then each group's options and each parameter's state).
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class optim
        {
            public interface ILearningRateController
            {
                double LearningRate { get; set; }

                /// <summary>Of the time of construction; the schedulers' base.</summary>
                double InitialLearningRate { get; set; }
            }

            public interface IMomentum
            {
                double Momentum { get; set; }
            }

            public interface IBetas
            {
                (double, double) Betas { get; set; }
            }

            public abstract class Optimizer : IDisposable
            {
                private protected Optimizer() { }

                private protected List<ParamGroup> Groups { get; } = [];

                public virtual IEnumerable<ILearningRateController> ParamGroups => Groups;

                public virtual IEnumerable<Parameter> parameters() => Groups.SelectMany(group => group.Parameters);

                public virtual void add_param_group(ParamGroup param_group) => Groups.Add(param_group);

                /// <summary>Sets the gradients to zero; they are not removed.</summary>
                public virtual void zero_grad()
                {
                    foreach (Parameter parameter in parameters())
                    {
                        using Tensor grad = parameter.grad;
                        grad?.detach_().zero_();
                    }
                }

                public virtual Tensor step(Func<Tensor> closure = null) =>
                    throw new NotSupportedException($"{GetType().Name} does not say how to take a step.");

                public void Dispose()
                {
                    Dispose(true);
                    GC.SuppressFinalize(this);
                }

                protected virtual void Dispose(bool disposing)
                {
                    if (disposing) Release();
                }

                private protected abstract void Release();

                public class StateDictionary
                {
                    internal StateDictionary() { }

                    public List<OptimizerOptions> Options { get; } = [];

                    public List<OptimizerState> State { get; } = [];

                    /// <summary>For each group the positions of its parameters' states.</summary>
                    public List<List<int>> StateIndexRef { get; } = [];
                }
            }
        }
    }
}

namespace TorchSharp.Modules
{
    public abstract class OptimizerHelper : optim.Optimizer
    {
        private readonly Dictionary<Parameter, OptimizerState> states = new(ReferenceEqualityComparer.Instance);

        // In the order of the groups, a parameter that is given twice once.
        private readonly List<OptimizerState> ordered = [];

        private protected OptimizerHelper() { }

        /// <summary>The options of groups that do not say otherwise.</summary>
        private protected abstract OptimizerOptions Defaults { get; }

        private protected abstract OptimizerState NewState(Parameter parameter);

        private protected OptimizerState StateOf(Parameter parameter) => states[parameter];

        public override void add_param_group(ParamGroup param_group)
        {
            param_group.Options.Complete(Defaults);
            param_group.Parameters = param_group.Parameters.ToArray();
            base.add_param_group(param_group);
            foreach (Parameter parameter in param_group.Parameters)
            {
                if (states.ContainsKey(parameter)) continue;
                OptimizerState state = NewState(parameter);
                state.Initialize(param_group.Options);
                states[parameter] = state;
                ordered.Add(state);
            }
        }

        /// <summary>Runs update over the parameters that have a gradient, group by group, outside of the graph.</summary>
        private protected Tensor Step<TOptions>(
            Func<Tensor> closure, Action<TOptions, Parameter[], Tensor[]> update) where TOptions : OptimizerOptions
        {
            Tensor loss = null;
            if (closure is not null)
                using (enable_grad()) loss = closure();
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            foreach (ParamGroup group in Groups)
            {
                var (moving, grads) = (new List<Parameter>(), new List<Tensor>());
                foreach (Parameter parameter in group.Parameters)
                {
                    if (parameter.grad is not { } grad) continue;
                    moving.Add(parameter);
                    grads.Add(grad);
                }
                if (moving.Count > 0) update((TOptions)group.Options, [.. moving], [.. grads]);
            }
            return loss;
        }

        public virtual StateDictionary state_dict()
        {
            var dictionary = new StateDictionary();
            dictionary.State.AddRange(ordered);
            foreach (ParamGroup group in Groups)
            {
                dictionary.Options.Add(group.Options);
                dictionary.StateIndexRef.Add(group.Parameters.Select(parameter => ordered.IndexOf(states[parameter])).ToList());
            }
            return dictionary;
        }

        public virtual void load_state_dict(StateDictionary state_dict)
        {
            CheckCounts(state_dict.Options.Count, state_dict.State.Count);
            foreach (var (state, source) in ordered.Zip(state_dict.State))
                if (source.GetType() != state.GetType())
                    throw new ArgumentException($"Mismatched optimizer state: expected {state.GetType()}, but found {source.GetType()}.");
            foreach (var (group, source) in Groups.Zip(state_dict.Options)) group.Options.LoadStateDict(source);
            foreach (var (state, source) in ordered.Zip(state_dict.State)) state.LoadStateDict(source);
        }

        public void save_state_dict(string location)
        {
            using var writer = new BinaryWriter(File.Create(location));
            save_state_dict(writer);
        }

        public void save_state_dict(BinaryWriter writer)
        {
            writer.Write(GetType().Name);
            writer.WriteLeb(Groups.Count);
            writer.WriteLeb(ordered.Count);
            foreach (ParamGroup group in Groups) group.Options.SaveStateDict(writer);
            foreach (OptimizerState state in ordered) state.SaveStateDict(writer);
        }

        public void load_state_dict(string location)
        {
            using var reader = new BinaryReader(File.OpenRead(location));
            load_state_dict(reader);
        }

        public void load_state_dict(BinaryReader reader)
        {
            string kind = reader.ReadString();
            if (kind != GetType().Name)
                throw new InvalidDataException(
                    $"Mismatched optimizer type: expected '{GetType().Name}', but found '{kind}' in the loaded stream.");
            CheckCounts(reader.ReadLeb(), reader.ReadLeb());
            foreach (ParamGroup group in Groups) group.Options.LoadStateDict(reader);
            foreach (OptimizerState state in ordered) state.LoadStateDict(reader);
        }

        private void CheckCounts(long groups, long count)
        {
            if (groups != Groups.Count) throw new ArgumentException("Invalid optimizer state -- different number of parameter groups.");
            if (count != ordered.Count) throw new ArgumentException("Invalid optimizer state -- different number of states.");
        }

        public void to(Device device)
        {
            foreach (OptimizerState state in ordered) state.to(device);
        }

        private protected override void Release()
        {
            foreach (OptimizerState state in ordered) (state as IDisposable)?.Dispose();
        }
    }

    public class ParamGroup : optim.ILearningRateController
    {
        public IEnumerable<Parameter> Parameters { get; set; }

        public OptimizerOptions Options { get; set; }

        public double LearningRate { get => Options.LearningRate.Value; set => Options.LearningRate = value; }

        public double InitialLearningRate { get => Options.InitialLearningRate; set => Options.InitialLearningRate = value; }
    }

    public class ParamGroup<TOptions> : ParamGroup where TOptions : OptimizerOptions
    {
        public ParamGroup() { }

        public ParamGroup(IEnumerable<Parameter> parameters, TOptions options = null) => (Parameters, base.Options) = (parameters, options);

        public new TOptions Options { get => (TOptions)base.Options; set => base.Options = value; }
    }

    public class OptimizerOptions
    {
        public double? LearningRate { get; set; }

        public double InitialLearningRate { get; set; }

        /// <summary>The numbers, then the switches of an optimizer, in the order of its file format.</summary>
        private protected virtual double?[] Numbers { get => []; set { } }

        private protected virtual bool?[] Switches { get => []; set { } }

        /// <summary>Takes from the defaults what is not set.</summary>
        internal void Complete(OptimizerOptions defaults)
        {
            LearningRate ??= defaults.LearningRate;
            InitialLearningRate = LearningRate.Value;
            Numbers = Numbers.Zip(defaults.Numbers, (own, other) => own ?? other).ToArray();
            Switches = Switches.Zip(defaults.Switches, (own, other) => own ?? other).ToArray();
        }

        public virtual void LoadStateDict(OptimizerOptions source)
        {
            (InitialLearningRate, LearningRate) = (source.InitialLearningRate, source.LearningRate);
            (Numbers, Switches) = (source.Numbers, source.Switches);
        }

        public virtual void SaveStateDict(BinaryWriter writer)
        {
            writer.Write(InitialLearningRate);
            writer.Write(LearningRate.Value);
            foreach (double? number in Numbers) writer.Write(number.Value);
            foreach (bool? flag in Switches) writer.Write(flag.Value);
        }

        public virtual void LoadStateDict(BinaryReader reader)
        {
            (InitialLearningRate, LearningRate) = (reader.ReadDouble(), reader.ReadDouble());
            Numbers = Array.ConvertAll(Numbers, _ => (double?)reader.ReadDouble());
            Switches = Array.ConvertAll(Switches, _ => (bool?)reader.ReadBoolean());
        }
    }

    /// <summary>What an optimizer remembers of one parameter. Its tensors live outside of the dispose scopes.</summary>
    public abstract class OptimizerState
    {
        private protected readonly Parameter parameter;

        private protected OptimizerState(Parameter parameter) => this.parameter = parameter;

        public abstract void Initialize(OptimizerOptions options);

        public abstract void LoadStateDict(OptimizerState source);

        public abstract void LoadStateDict(BinaryReader reader);

        public abstract void SaveStateDict(BinaryWriter writer);

        public virtual void to(Device device) { }

        private protected Tensor Zeros() => zeros_like(parameter).detach_().DetachFromDisposeScope();

        private protected static void Take(ref Tensor target, Tensor value)
        {
            if (ReferenceEquals(target, value)) return;
            target?.Dispose();
            target = value?.DetachFromDisposeScope();
        }

        private protected static void Copy(ref Tensor target, Tensor source)
        {
            if (!ReferenceEquals(target, source)) Take(ref target, source is null ? null : Detached(source));
        }

        private static Tensor Detached(Tensor source)
        {
            using var _ = no_grad();
            return source.clone();
        }

        private protected static void Move(ref Tensor target, Device device)
        {
            if (target is not null) Take(ref target, target.to(device, copy: true));
        }

        private protected void Read(ref Tensor target, BinaryReader reader) =>
            Take(ref target, TensorFormat.Read(reader, parameter.device));

        private protected void ReadOptional(ref Tensor target, BinaryReader reader)
        {
            if (reader.ReadBoolean()) Read(ref target, reader);
            else Take(ref target, null);
        }

        private protected static void WriteOptional(Tensor tensor, BinaryWriter writer)
        {
            writer.Write(tensor is not null);
            if (tensor is not null) TensorFormat.Write(writer, tensor);
        }
    }
}
