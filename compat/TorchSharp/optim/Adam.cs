// Adam; weight decay is part of the gradient. Public names as in AdamW, which shares the arithmetic (AdamUpdate).
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp.Modules
{
    public class Adam : OptimizerHelper, optim.IBetas
    {
        private readonly Options defaults;

        internal Adam(
            IEnumerable<ParamGroup> groups,
            double lr, double beta1, double beta2, double eps, double weight_decay, bool amsgrad, bool maximize)
        {
            AdamUpdate.Check(lr, beta1, beta2, eps, weight_decay);
            defaults = new Options
            {
                LearningRate = lr,
                InitialLearningRate = lr,
                beta1 = beta1,
                beta2 = beta2,
                eps = eps,
                weight_decay = weight_decay,
                amsgrad = amsgrad,
                maximize = maximize,
            };
            foreach (ParamGroup group in groups) add_param_group(group);
        }

        private protected override OptimizerOptions Defaults => defaults;

        private protected override OptimizerState NewState(Parameter parameter) => new State(parameter);

        /// <summary>Of the defaults: groups that exist keep theirs.</summary>
        public (double, double) Betas
        {
            get => (defaults.beta1.Value, defaults.beta2.Value);
            set => (defaults.beta1, defaults.beta2) = (value.Item1, value.Item2);
        }

        public override Tensor step(Func<Tensor> closure = null) => Step<Options>(closure, (options, parameters, grads) =>
        {
            for (int i = 0; i < parameters.Length; i++)
            {
                var state = (State)StateOf(parameters[i]);
                AdamUpdate.Apply(
                    parameters[i], options.maximize.Value ? grads[i].neg() : grads[i], ++state.step, state.exp_avg, state.exp_avg_sq,
                    state.max_exp_avg_sq, options.LearningRate.Value, options.beta1.Value, options.beta2.Value, options.eps.Value,
                    options.weight_decay.Value, decoupled: false);
            }
        });

        public class ParamGroup : ParamGroup<Options>, optim.IBetas
        {
            public ParamGroup() { }

            public ParamGroup(IEnumerable<Parameter> parameters, Options options) : base(parameters, options) { }

            public ParamGroup(
                IEnumerable<Parameter> parameters, double lr = 0.001, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8,
                double weight_decay = 0, bool amsgrad = false, bool maximize = false)
                : base(parameters, new Options
                {
                    LearningRate = lr,
                    beta1 = beta1,
                    beta2 = beta2,
                    eps = eps,
                    weight_decay = weight_decay,
                    amsgrad = amsgrad,
                    maximize = maximize,
                })
            { }

            public (double, double) Betas
            {
                get => (Options.beta1.Value, Options.beta2.Value);
                set => (Options.beta1, Options.beta2) = (value.Item1, value.Item2);
            }
        }

        public class Options : OptimizerOptions
        {
            public double? beta1, beta2, eps, weight_decay;
            public bool? amsgrad, maximize;

            private protected override double?[] Numbers
            {
                get => [beta1, beta2, eps, weight_decay];
                set => (beta1, beta2, eps, weight_decay) = (value[0], value[1], value[2], value[3]);
            }

            private protected override bool?[] Switches
            {
                get => [amsgrad, maximize];
                set => (amsgrad, maximize) = (value[0], value[1]);
            }
        }

        public sealed class State : OptimizerState, IDisposable
        {
            public long step;
            public Tensor exp_avg, exp_avg_sq;

            /// <summary>Null without amsgrad.</summary>
            public Tensor max_exp_avg_sq;

            public State(Parameter parameter) : base(parameter) { }

            public override void Initialize(OptimizerOptions options)
            {
                step = 0;
                Take(ref exp_avg, Zeros());
                Take(ref exp_avg_sq, Zeros());
                Take(ref max_exp_avg_sq, ((Options)options).amsgrad == true ? Zeros() : null);
            }

            public override void LoadStateDict(OptimizerState source)
            {
                var other = (State)source;
                step = other.step;
                Copy(ref exp_avg, other.exp_avg);
                Copy(ref exp_avg_sq, other.exp_avg_sq);
                Copy(ref max_exp_avg_sq, other.max_exp_avg_sq);
            }

            public override void LoadStateDict(BinaryReader reader)
            {
                step = reader.ReadInt64();
                Read(ref exp_avg, reader);
                Read(ref exp_avg_sq, reader);
                ReadOptional(ref max_exp_avg_sq, reader);
            }

            public override void SaveStateDict(BinaryWriter writer)
            {
                writer.Write(step);
                Utils.TensorFormat.Write(writer, exp_avg);
                Utils.TensorFormat.Write(writer, exp_avg_sq);
                WriteOptional(max_exp_avg_sq, writer);
            }

            public override void to(Device device)
            {
                Move(ref exp_avg, device);
                Move(ref exp_avg_sq, device);
                Move(ref max_exp_avg_sq, device);
            }

            public void Dispose()
            {
                Take(ref exp_avg, null);
                Take(ref exp_avg_sq, null);
                Take(ref max_exp_avg_sq, null);
            }
        }
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class optim
        {
            public static Adam Adam(
                IEnumerable<Parameter> parameters, double lr = 0.001, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8,
                double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
                Adam(
                    [new Adam.ParamGroup { Parameters = parameters, Options = new() }],
                    lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);

            public static Adam Adam(
                IEnumerable<(string name, Parameter parameter)> parameters, double lr = 0.001, double beta1 = 0.9, double beta2 = 0.999,
                double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
                Adam(parameters.Select(pair => pair.parameter), lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);

            public static Adam Adam(
                IEnumerable<Adam.ParamGroup> parameters, double lr = 0.001, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8,
                double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
                new(parameters, lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);
        }
    }
}
