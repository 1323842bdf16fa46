using TorchSharp.Modules;

namespace Ard.Trainers.Training;

/// <summary>
/// TorchSharp's SGD, with the same state and the same bits; only its step holds the numbers that it hands to libtorch, see
/// <see cref="Tensors.Arithmetic"/>. The others here likewise.
/// </summary>
internal sealed class HeldSgd(IEnumerable<Parameter> parameters, SgdOptimizer options)
    : SGD(parameters, options.LearningRate, options.Momentum, dampening: 0, options.WeightDecay, options.Nesterov)
{
    public override Tensor step(Func<Tensor>? closure = null) => _step<ParamGroup>(group =>
    {
        foreach (var parameter in group.Parameters)
        {
            if (parameter.grad is not { } gradient) continue;
            if (options.WeightDecay != 0) gradient = gradient.PlusScaled(parameter, options.WeightDecay);
            if (options.Momentum != 0)
            {
                var state = (State)_state[parameter.Handle];
                if (state.momentum_buffer is { } buffer) buffer.Mul_(options.Momentum).Add_(gradient);
                else state.momentum_buffer = gradient.clone().detach().DetachFromDisposeScope();
                gradient = options.Nesterov ? gradient.PlusScaled(state.momentum_buffer, options.Momentum) : state.momentum_buffer;
            }
            parameter.AddScaled_(gradient, -group.LearningRate);
        }
    }, closure);
}

/// <summary>TorchSharp's Adam.</summary>
internal sealed class HeldAdam(IEnumerable<Parameter> parameters, AdamOptimizer options)
    : Adam(parameters, options.LearningRate, options.Beta1, options.Beta2, options.Epsilon, options.WeightDecay)
{
    public override Tensor step(Func<Tensor>? closure = null) => _step<ParamGroup>(group =>
    {
        foreach (var parameter in group.Parameters)
        {
            if (parameter.grad is not { } gradient) continue;
            if (options.WeightDecay != 0) gradient = gradient.PlusScaled(parameter, options.WeightDecay);
            var state = (State)_state[parameter.Handle];
            state.step++;
            Move(parameter, gradient, state.exp_avg, state.exp_avg_sq, state.step, options, group.LearningRate);
        }
    }, closure);

    /// <summary>Moves both means towards the gradient and its square, and the parameter along their quotient.</summary>
    internal static void Move(
        Parameter parameter, Tensor gradient, Tensor mean, Tensor square, long step, AdamOptimizer options, double learningRate)
    {
        mean.Mul_(options.Beta1).AddScaled_(gradient, 1 - options.Beta1);
        square.Mul_(options.Beta2).Addcmul_(gradient, gradient, 1 - options.Beta2);
        var scale = square.sqrt().Over(Math.Sqrt(1 - Math.Pow(options.Beta2, step))).Add_(options.Epsilon);
        parameter.Addcdiv_(mean, scale, -learningRate / (1 - Math.Pow(options.Beta1, step)));
    }
}

/// <summary>TorchSharp's AdamW.</summary>
internal sealed class HeldAdamW(IEnumerable<Parameter> parameters, AdamOptimizer options)
    : AdamW(parameters, options.LearningRate, options.Beta1, options.Beta2, options.Epsilon, options.WeightDecay)
{
    public override Tensor step(Func<Tensor>? closure = null) => _step<ParamGroup>(group =>
    {
        foreach (var parameter in group.Parameters)
        {
            if (parameter.grad is not { } gradient) continue;
            var state = (State)_state[parameter.Handle];
            state.step++;
            parameter.Mul_(1 - group.LearningRate * options.WeightDecay);
            HeldAdam.Move(parameter, gradient, state.exp_avg, state.exp_avg_sq, state.step, options, group.LearningRate);
        }
    }, closure);
}
